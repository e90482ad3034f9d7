"""Where calls enter: each is admitted, recorded, forwarded, and completed on record.

It works on the raw request, because a call must arrive at its mediator to the byte. The hub's own
paths that clients use stand in `own_paths`; every other one is Flask's, in the hub.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from common import tracing
from common.clock import utc_now
from common.correlation import TRACE_HEADER, RequestContext, follow, leave
from common.db.reader import Reader
from common.http.outcomes import NotSent, OutboundError
from common.http.replies import Reply, problem_reply
from common.ids import new_id
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

from proxy.access.secret_uses import keep_writing_uses
from proxy.container import Container
from proxy.gateway.admission import Admission
from proxy.gateway.admitted import Admitted, wants_async
from proxy.gateway.async_calls import Acceptance
from proxy.gateway.breaker import CircuitOpen
from proxy.gateway.call import Call, Failure
from proxy.gateway.callers import claimed_credentials
from proxy.gateway.forward import Forwarder, explain_failure
from proxy.gateway.record import CallRecord
from proxy.gateway.rejections import (
    KeyInUse,
    MaybeRecorded,
    MediatorCircuitOpen,
    NotRecorded,
    RejectedCall,
)
from proxy.gateway.routing import Routing, TableAway
from proxy.gateway.routing_table import NOBODY
from proxy.gateway.secondary_routes import start_routes
from proxy.gateway.shadow import Shadows
from proxy.listeners.ports import Listeners
from proxy.record.heartbeat import Heartbeat
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.idempotency import HEADER as IDEMPOTENCY_KEY
from proxy.record.idempotency import digest_of, earlier_answer, key_of
from proxy.record.rejections import unreadable_row
from proxy.record.rows import ms_since
from proxy.record.writer import AlreadyThere, CommitUnknown, WriteFailed, Writer

log = get_logger(__name__)

BROKEN = "Something went wrong on our side; the log knows more"
BROKEN_UNKNOWN = "Something went wrong on our side while the call was made, outcome unknown"


class Gateway:
    """Serves calls on one event loop."""

    def __init__(self, container: Container) -> None:
        settings = container.settings
        self._database = container.database
        self._sealer = container.sealer
        self.reader = Reader()
        self.routing = Routing(container.database, settings, container.sealer)
        self._writer = Writer(
            container.database.engine, merged=settings.transaction_log_mode == "merged"
        )
        self.heartbeat = Heartbeat(container.database, self._writer, self.reader)
        self._record = CallRecord(
            self._writer,
            container.sealer,
            self.heartbeat.owner,
            record_timeout_s=settings.record_timeout_s,
        )
        self.admission = Admission(container, self.routing, self.reader, self._record.keep_failed)
        self._admit = tracing.within("admission", self.admission.admit)
        self._forwarder = Forwarder(
            settings.connect_timeout_s,
            container.esb_relay,
            settings.outbound(),
            begins_on_disk=settings.transaction_log_mode != "merged",
        )
        self._shadows = Shadows(
            settings.connect_timeout_s, settings.outbound(), self._writer, container.sealer
        )
        self._acceptance = Acceptance(self._writer, container.sealer, container.wake_up)
        self._listeners = Listeners(
            container.database,
            settings,
            self.routing,
            self.reader,
            lambda call, channel: self.serve(call, channel_name=channel),
        )
        self._secrets = container.secrets
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the routing table and sign in; a database that is away is waited for meanwhile."""
        try:
            await self.reader.run(self.routing.refresh)
            await self.heartbeat.sign()
        except (SQLAlchemyError, WriteFailed, TimeoutError) as exc:
            log.error("started_without_database", reason=type(exc).__name__)
        loop = asyncio.get_running_loop()
        self._background = [
            loop.create_task(self.routing.watch(self.reader)),
            loop.create_task(self.heartbeat.keep_signing()),
            loop.create_task(self._listeners.watch()),
            loop.create_task(keep_writing_uses(self._database, self._secrets, self.reader)),
        ]

    async def stop(self) -> None:
        """Commit what is queued, let connections and threads go."""
        for task in self._background:
            task.cancel()
        await self._listeners.close()
        await self._shadows.close()
        await self._record.settle()
        await self._writer.close()
        self._forwarder.close()
        self.reader.close()
        self.admission.close()
        heavy_bodies.close()

    def serve(self, call: Call, *, channel_name: str | None = None) -> Coroutine[Any, Any, Reply]:
        """Answer a call. Every rejection is kept, every call is on record before it leaves.

        With `channel_name` that channel is meant (see `/integration/call`).
        """
        # No coroutine around another: each would be gone through whenever a call goes on.
        return (self._traced if tracing.is_on() else self._serve)(call, channel_name)

    async def _traced(self, call: Call, channel_name: str | None) -> Reply:
        with tracing.request_span(call.method, call.headers) as span:
            reply = await self._serve(call, channel_name)
            span.status(reply.status)
            return reply

    async def _serve(self, call: Call, channel_name: str | None) -> Reply:
        context = follow(RequestContext(call.shown_id, call.headers.get(TRACE_HEADER)))
        claimed = claimed_credentials(call.headers)
        admitted: Admitted | None = None
        try:
            admitted = await self._admit(call, claimed, channel_name)
            if tracing.is_on() and admitted.channel is not None:
                tracing.current_span().route(call.method, admitted.channel.pattern)
            if IDEMPOTENCY_KEY in call.headers:
                earlier = await self._earlier_answer(admitted)
                if earlier is not None:
                    return earlier
            reply = await self._answer(admitted)
            if admitted.channel is not None and admitted.channel.shadow is not None:
                self._shadows.copy(admitted, admitted.channel.shadow, reply)
            return reply
        except RejectedCall as rejected:
            return self._record.reject(call, claimed.client_id if claimed else None, rejected)
        except (SQLAlchemyError, WriteFailed, TableAway, TimeoutError) as exc:
            log.error("call_not_recorded", reason=type(exc).__name__)
            call.failure = Failure(NotRecorded.reason, is_surely_not_sent=True)
            return NotRecorded().reply(call.shown_id)
        except Exception:
            log.exception("call_broke")
            return await self._end_broken(call, admitted)
        finally:
            leave(context)
            if call.slot is not None and not call.slot.is_handed_on:
                call.slot.leave()

    async def _earlier_answer(self, admitted: Admitted) -> Reply | None:
        """What the call's Idempotency-Key answers already, if it does."""
        admitted.key = key_of(admitted.call)
        if admitted.key is None:
            return None
        if admitted.client is NOBODY:  # whose key it is, nobody can say
            admitted.key = None
            return None
        digest = digest_of(admitted.call, await admitted.body.read_whole())
        client, key = admitted.client, admitted.key
        return await self.reader.run(
            lambda: earlier_answer(self._database, self._sealer, client, key, digest)
        )

    async def _answer(self, admitted: Admitted) -> Reply:
        try:
            if wants_async(admitted.call, admitted.channel):
                return await self._acceptance.accept(admitted)
            return await self._forward(admitted)
        except AlreadyThere as exc:
            raise KeyInUse from exc
        except CommitUnknown as exc:
            if admitted.is_begun or not wants_async(admitted.call, admitted.channel):
                raise
            raise MaybeRecorded from exc

    async def _forward(self, admitted: Admitted) -> Reply:
        """Forward a call; its end is on record when this returns, or once its body was read.

        Raises what recording its beginning raises.
        """
        record, started_ns = self._record, time.perf_counter_ns()
        begin = record.begin
        if admitted.channel is not None and admitted.channel.routes:
            await admitted.body.read_whole()
            begin = self._begin_with_routes
        try:
            answered = await self._forwarder.forward(
                admitted.call,
                admitted.body,
                admitted.channel,
                admitted.esb,
                lambda: begin(admitted),
            )
        except CircuitOpen as exc:
            raise MediatorCircuitOpen(exc.wait_s) from exc
        except OutboundError as exc:
            admitted.watch.upstream_ms = _ms_upstream(admitted, started_ns)
            status, reason = explain_failure(exc, is_bus=admitted.esb is not None)
            admitted.is_surely_not_sent = isinstance(exc, NotSent)
            return await record.fail(admitted, status, reason)
        except RejectedCall as rejected:
            if not admitted.is_begun:
                raise
            admitted.watch.upstream_ms = _ms_upstream(admitted, started_ns)
            return await record.fail(admitted, rejected.status, rejected.reason)
        admitted.watch.upstream_ms = _ms_upstream(admitted, started_ns)
        if answered.error is not None:
            admitted.is_surely_not_sent = answered.was_not_sent
            return await record.fail(
                admitted, answered.status, answered.error, esb_exchange_id=answered.exchange_id
            )
        if answered.rest is not None:
            return record.stream(admitted, answered, answered.rest)
        return await record.complete(admitted, answered)

    async def _begin_with_routes(self, admitted: Admitted) -> None:
        """Commit the call's beginning, then send it on its secondary routes as well."""
        await self._record.begin(admitted)
        assert admitted.channel is not None
        admitted.routes = start_routes(
            self._forwarder,
            admitted.call,
            admitted.body,
            admitted.channel.routes,
            admitted.storing,
        )

    async def _end_broken(self, call: Call, admitted: Admitted | None) -> Reply:
        """The one place where whatever nobody thought of ends."""
        is_begun = admitted is not None and admitted.is_begun
        if admitted is None or not is_begun or admitted.is_ended:
            call.failure = Failure(BROKEN, is_surely_not_sent=not is_begun)
            return problem_reply(500, BROKEN, call.shown_id)
        return await self._record.fail(admitted, 502, BROKEN_UNKNOWN)

    def unreadable(self, start: bytes, peer: str, status: int, reason: str) -> Reply:
        """Answer, and keep, what is no HTTP request."""
        correlation_id = new_id()
        row = unreadable_row(correlation_id, utc_now(), start, peer, status, reason)
        self._writer.reject(self._sealer.seal_rejection(row))
        return problem_reply(status, reason, str(correlation_id))


def _ms_upstream(admitted: Admitted, started_ns: int) -> float:
    """What forwarding the call took, less what recording its beginning took of it."""
    return round(max(0.0, ms_since(started_ns) - admitted.watch.store_ms), 3)
