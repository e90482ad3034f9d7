"""Where calls enter: admitted (steps 1–8), recorded (9), made (10) and ended (11).

The gateway sits before Flask: reserved paths go on to it, every other path is a call. It works on
the raw request, because a call must arrive at its mediator to the byte.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from common.clock import utc_now
from common.correlation import TRACE_HEADER, Trail, follow, leave
from common.ids import new_id
from common.logs import get_logger
from common.offload import offload_for
from sqlalchemy.exc import SQLAlchemyError

from proxy import call_grants
from proxy.gateway import admission, esb, routing_table
from proxy.gateway.acceptance import Acceptance
from proxy.gateway.admitted import Admitted, request_copy, storing_for, wants_async
from proxy.gateway.body_rules import check_body
from proxy.gateway.call import Call, client_address, headers_of, split_target
from proxy.gateway.ending import Ending
from proxy.gateway.forwarding import Forwarder
from proxy.gateway.idempotency import digest_of, earlier_answer, key_of, key_row
from proxy.gateway.making import CallMaker
from proxy.gateway.matching import is_reserved
from proxy.gateway.presence import Presence
from proxy.gateway.recording import Stopwatch, ms_since, started_row
from proxy.gateway.refusals import KeyInUse, NotRecorded, Refusal
from proxy.gateway.refused import failed_rows, refusal_reply, refusal_row
from proxy.gateway.replies import Reply
from proxy.gateway.statements import Act
from proxy.gateway.writer import AlreadyThere, Rows, WriteFailed, Writer
from proxy.models import TransactionStatus
from proxy.parts import Parts

log = get_logger(__name__)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Gateway:
    """A WSGI application: calls are served here, the hub's own paths by `hub`."""

    def __init__(self, parts: Parts, hub: Wsgi) -> None:
        settings = parts.settings
        offload = offload_for(parts.database.engine)
        self._settings = settings
        self._parts = parts
        self._hub = hub
        self._offload = offload
        self._is_pure_esb = settings.mediator_mode == "pure_esb"
        self._presence = Presence(parts.database, offload)
        self.routing = routing_table.Routing(
            parts.database,
            forward_timeout_s=settings.forward_timeout_s,
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            offload=offload,
        )
        self._writer = Writer(
            parts.database.engine,
            merged=settings.transaction_log_mode == "merged",
            offload=offload,
        )
        self._acceptance = Acceptance(self._writer, parts.sealer, parts.bell)
        self._maker = CallMaker(
            Forwarder(settings.connect_timeout_s), parts.esb_relay, Ending(self._writer)
        )

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve one request."""
        call = self.read_call(environ)
        if is_reserved(call.path):
            return self._hub(environ, start_response)
        return self.serve(call).send(start_response)

    def read_call(self, environ: dict[str, Any]) -> Call:
        """The call that a WSGI request makes."""
        headers = headers_of(environ)
        raw_path, raw_query = split_target(environ)
        length = environ.get("CONTENT_LENGTH")
        is_chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        return Call(
            correlation_id=new_id(),
            started_at=utc_now(),
            started_ns=time.perf_counter_ns(),
            method=environ["REQUEST_METHOD"],
            raw_path=raw_path,
            raw_query=raw_query,
            headers=headers,
            address=client_address(
                environ.get("REMOTE_ADDR", ""),
                headers.get("X-Forwarded-For", ""),
                self._settings.trusted_proxies,
            ),
            host=headers.get("X-Forwarded-Host") or headers.get("Host", ""),
            scheme=headers.get("X-Forwarded-Proto") or environ["wsgi.url_scheme"],
            content_length=None if is_chunked else int(length or 0),
            stream=environ["wsgi.input"] if is_chunked or length else None,
        )

    def serve(self, call: Call, *, channel_name: str | None = None) -> Reply:
        """Answer a call. Every refusal is kept, every call is on record before it leaves.

        With `channel_name` that channel is meant, whatever the path (see `/integration/call`).
        """
        trail = follow(Trail(str(call.correlation_id), call.headers.get(TRACE_HEADER)))
        claimed = admission.claimed_credentials(call.headers)
        try:
            admitted = self._admit(call, claimed, channel_name)
            return self._earlier_answer(admitted) or self._answer(admitted)
        except Refusal as refusal:
            call.drain()
            self._writer.refuse(refusal_row(call, claimed, refusal))
            return refusal_reply(refusal, str(call.correlation_id))
        except (SQLAlchemyError, WriteFailed) as exc:
            log.error("call_not_recorded", reason=type(exc).__name__)
            return refusal_reply(NotRecorded(), str(call.correlation_id))
        finally:
            leave(trail)

    def _admit(
        self, call: Call, claimed: admission.Credentials | None, channel_name: str | None
    ) -> Admitted:
        """Steps 1–8."""
        table = self.routing.table()
        client = self._caller(call, claimed)
        channel = None
        registrations = table.global_registrations
        if not self._is_pure_esb:
            channel = admission.choose_channel(call, table, self.routing, channel_name)
            admission.check_allowed(client, channel)
            registrations = channel.registrations
        registration = None
        if registrations or self._is_pure_esb:
            registration = admission.find_registration(call, registrations)
        body = call.read_body(self._settings.request_body_max_bytes)
        watch = Stopwatch(call.started_ns)
        admitted = Admitted(
            call, body, client, channel, None, watch, storing_for(self._settings, channel)
        )
        self._check_rules(admitted, registration)
        watch.match_ms = ms_since(call.started_ns)
        return admitted

    def _caller(
        self, call: Call, claimed: admission.Credentials | None
    ) -> routing_table.RoutedClient:
        """Steps 1–3; in a call, and nowhere else, a one-time grant stands in for the secret."""
        if claimed is not None and claimed.secret.startswith(call_grants.PREFIX):
            client = self.routing.table().clients.get(claimed.client_id)
            if client is not None and self._parts.grants.redeem(
                client.client_id, claimed.secret, call.correlation_id, call.started_at
            ):
                admission.check_address(client, call.address)
                return client
        return self.authenticate(call, claimed)

    def authenticate(
        self, call: Call, claimed: admission.Credentials | None
    ) -> routing_table.RoutedClient:
        """Steps 1–3: who calls."""
        clients = self.routing.table().clients
        client = admission.authenticate(claimed, clients, self._parts.secrets.check)
        admission.check_address(client, call.address)
        return client

    def _check_rules(
        self, admitted: Admitted, registration: routing_table.Registration | None
    ) -> None:
        """Step 7 and the rules of the bus; what breaks them is kept as a failed call too."""
        try:
            if admitted.channel is not None:
                check_body(admitted.call, admitted.body, admitted.channel)
            if registration is not None:
                admitted.esb = esb.plan(admitted.call, admitted.body, registration)
        except Refusal as refusal:
            if refusal.is_failed_call:
                self._writer.write(failed_rows(admitted, refusal))
            raise

    def _earlier_answer(self, admitted: Admitted) -> Reply | None:
        """What the call's Idempotency-Key answers already, if it does."""
        admitted.key = key_of(admitted.call)
        if admitted.key is None:
            return None
        digest = digest_of(admitted.call, admitted.body.read_whole())
        client_id, key = admitted.client.client_id, admitted.key
        found: Reply | None = self._offload(
            lambda: earlier_answer(self._parts.database, client_id, key, digest)
        )
        return found

    def _answer(self, admitted: Admitted) -> Reply:
        try:
            if wants_async(admitted.call):
                return self._acceptance.accept(admitted)
            self._begin(admitted)
        except AlreadyThere as exc:
            raise KeyInUse from exc
        return self._maker.make(admitted)

    def _begin(self, admitted: Admitted) -> None:
        """Step 9."""
        started_ns = time.perf_counter_ns()
        call, body = admitted.call, admitted.body
        rows: Rows = {
            Act.START: started_row(
                call,
                body,
                channel_name=admitted.channel_name,
                client_name=admitted.client.client_id,
                organization=admitted.esb.organization if admitted.esb else None,
                status=TransactionStatus.PROCESSING,
                owner=self._presence.owner(),
                storing=admitted.storing,
            )
        }
        if admitted.keeps_whole_bodies:
            copy = request_copy(call, body, is_async=False)
            rows[Act.STORE] = self._parts.sealer.row(call.correlation_id, copy)
        if admitted.key is not None:
            digest = digest_of(call, body.read_whole())
            rows[Act.KEY] = key_row(call, admitted.client.client_id, admitted.key, digest)
            self._writer.write(rows)  # in merged mode too: a key must be taken before the call
        else:
            self._writer.begin(rows)
        admitted.watch.store_ms = ms_since(started_ns)
