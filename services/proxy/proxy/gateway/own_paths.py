"""The hub's own paths that clients use with their credentials: a call by channel id, the state and
the answer of a call, and what orchestrators ask.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from common.errors import DomainError, Invalid
from common.http.replies import CORRELATION_HEADER, error_reply, json_reply, problem_reply
from common.http.server_messages import Reply, Request
from common.ids import new_id
from common.networks import Networks
from common.web.metrics import CONTENT_TYPE, exposition
from common.web.problems import first_reason
from common.web.single import single
from marshmallow import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from proxy.access import introspection
from proxy.container import Container
from proxy.errors import UnknownRecord
from proxy.gateway.call import Call, preferences, read_call
from proxy.gateway.callers import Credentials, claimed_credentials
from proxy.gateway.gateway import Gateway
from proxy.gateway.integration_calls import as_call
from proxy.gateway.rejections import NotRecorded, RejectedCall, Unreadable
from proxy.gateway.routing import TableAway
from proxy.gateway.routing_table import RoutedClient
from proxy.models import FINAL_STATUSES
from proxy.record.call_states import LOOK_EVERY_S, id_beginning, response_of, state_of, wait_seconds
from proxy.record.transactions import SHORT_ID_DIGITS
from proxy.registry.patterns import is_reserved
from proxy.schemas.calls import CallStateOut, IntegrationCallIn

#: A whole id, or what mediators know of it: its first 24 hex digits.
_STATE = re.compile(r"/transactions/([0-9A-Fa-f]{24}|[0-9A-Fa-f-]{32,36})(/response)?/?")
Answer = Callable[[Call, Credentials | None], Awaitable[Reply]]


class Front:
    """The application of a gateway process: calls, and the few paths of its own."""

    def __init__(self, gateway: Gateway, container: Container) -> None:
        self._gateway = gateway
        self._database = container.database
        self._sealer = container.sealer
        self._trusted_proxies = Networks(container.settings.trusted_proxies)
        self._max_body_bytes = container.settings.request_body_max_bytes
        self._introspection = introspection.Introspection(
            gateway.routing, container.signer, gateway.admission.callers.authenticate
        )
        self.start = gateway.start
        self.stop = gateway.stop
        self.unreadable = gateway.unreadable

    def __call__(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Answer one request."""
        call = read_call(request, self._trusted_proxies)
        return self._own(call) if is_reserved(call.path) else self._gateway.serve(call)

    async def _own(self, call: Call) -> Reply:
        path = call.path.rstrip("/")
        if path == "/livez":
            return json_reply(200, {"ok": True}, call.shown_id)
        if path == "/readyz":
            return await self._readiness(call)
        if path == "/metrics":
            return Reply(200, [("Content-Type", CONTENT_TYPE)], exposition())
        if path == introspection.PATH:
            return await self._introspection.answer(call)
        if path == "/integration/call":
            return await self._guarded(call, "POST", self._integration_call)
        state = _STATE.fullmatch(call.path)
        if state is not None:
            answer = self._response_answer if state.group(2) else self._state_answer
            asked = state.group(1)
            return await self._guarded(call, "GET", answer(asked), shown=asked)
        return problem_reply(404, "There is nothing at this path", call.shown_id)

    async def _guarded(
        self, call: Call, method: str, answer: Answer, *, shown: str | None = None
    ) -> Reply:
        """`answer`, which authenticates its caller as a call does; every error is a problem, of the
        call that is asked about where it is `shown`."""
        shown = shown or call.shown_id
        if call.method != method and not (call.method == "HEAD" and method == "GET"):
            return problem_reply(405, "Method not allowed", shown, headers=[("Allow", method)])
        claimed = claimed_credentials(call.headers)
        try:
            return await answer(call, claimed)
        except RejectedCall as rejected:
            return rejected.reply(shown)
        except TableAway:
            return NotRecorded().reply(shown)
        except DomainError as exc:
            return error_reply(exc, shown)
        except (SQLAlchemyError, TimeoutError):
            return problem_reply(
                503, "The database cannot be reached", shown, headers=[("Retry-After", "2")]
            )

    async def _integration_call(self, call: Call, claimed: Credentials | None) -> Reply:
        await self._gateway.admission.callers.authenticate(call, claimed)
        body = await call.read_body(self._max_body_bytes)
        raw, given = _read_given(await body.read_whole())
        routing, reader = self._gateway.routing, self._gateway.reader
        channel = await routing.channel(given["channel_id"], reader)
        if channel is None:
            raise UnknownRecord("channel")
        return await self._gateway.serve(
            as_call(given, raw, call, channel), channel_name=channel.name
        )

    def _state_answer(self, text: str) -> Answer:
        async def answer(call: Call, claimed: Credentials | None) -> Reply:
            client = await self._gateway.admission.callers.authenticate(call, claimed)
            state = await self._state(await self._whole_id(text), client, call)
            return json_reply(200, state, str(new_id()))

        return answer

    def _response_answer(self, text: str) -> Answer:
        async def answer(call: Call, claimed: Credentials | None) -> Reply:
            client = await self._gateway.admission.callers.authenticate(call, claimed)
            correlation_id = await self._whole_id(text)
            copy = await self._gateway.reader.run(
                lambda: response_of(self._database, self._sealer, correlation_id, client)
            )
            headers = [*copy.headers, (CORRELATION_HEADER, str(correlation_id))]
            return Reply(copy.status, headers, copy.body)

        return answer

    async def _whole_id(self, text: str) -> uuid.UUID:
        """The id that is meant. Raises UnknownRecord."""
        if len(text) != SHORT_ID_DIGITS:
            return _id(text)
        return await self._gateway.reader.run(lambda: id_beginning(self._database, text))

    async def _state(self, correlation_id: uuid.UUID, client: RoutedClient, call: Call) -> Any:
        """How a call stands; `Prefer: wait=<s>` waits for its end. Raises UnknownRecord."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds(preferences(call.headers).get("wait", ""))
        while True:
            found = await self._gateway.reader.run(
                lambda: state_of(self._database, correlation_id, client)
            )
            if found.status in FINAL_STATUSES or loop.time() >= deadline:
                return single(CallStateOut).dump(found)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _readiness(self, call: Call) -> Reply:
        """Ready: the writer took this process's sign lately, and the routing table is there."""
        ready = self._gateway.heartbeat.is_signed()
        status = 200 if ready else 503
        return json_reply(status, {"ok": ready, "database": ready}, call.shown_id)


def _read_given(body: bytes) -> tuple[str, dict[str, Any]]:
    """The text of an integration call, and what it says. Raises Unreadable, Invalid."""
    try:
        raw = body.decode()
        given = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise Unreadable("The body is not JSON") from exc
    try:
        loaded: dict[str, Any] = IntegrationCallIn().load(given)
    except ValidationError as exc:
        messages = exc.normalized_messages()
        raise Invalid(first_reason(messages), messages) from exc
    return raw, loaded


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as exc:
        raise UnknownRecord("transaction") from exc
