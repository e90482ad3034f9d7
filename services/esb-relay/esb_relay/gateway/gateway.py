"""Where messages for the bus, and the bus's calls, enter: read, authenticated, answered."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from common import tracing
from common.correlation import RequestContext, follow, leave, request_context_of
from common.db.database import Database
from common.db.reader import Reader
from common.errors import DomainError
from common.http.replies import CORRELATION_HEADER, error_reply, json_reply, problem_reply
from common.http.server_messages import Reply, Request
from common.logs import get_logger
from common.web.health import database_answers
from common.web.metrics import CONTENT_TYPE, exposition
from common.web.tokens import TokenVerifier
from sqlalchemy.exc import SQLAlchemyError

from esb_relay.callbacks.receiving import Receiver
from esb_relay.container import Container, Engine
from esb_relay.engine.client import CONTENT_TYPES
from esb_relay.engine.relaying import Relay
from esb_relay.gateway.messages import read_message
from esb_relay.routes.locations import PREFIX
from esb_relay.routes.relay import SCOPE

log = get_logger(__name__)

RELAY_PATH = f"{PREFIX}/relay"
INBOUND = re.compile(rf"{PREFIX}/inbound/([^/]+)/?")
#: Asked every few seconds by whoever watches.
_UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
Serve = Callable[[Request, RequestContext], Awaitable[Reply]]


class Gateway:
    """An application of `common.http.server`."""

    def __init__(
        self,
        container: Container,
        engine: Engine,
        reader: Reader,
        tokens: TokenVerifier,
        relay: Relay,
        receiver: Receiver,
    ) -> None:
        self._max_bytes = container.settings.body_max_bytes
        self._database: Database = container.database
        self._engine = engine
        self._reader = reader
        self._tokens = tokens
        self._relay = relay
        self._receiver = receiver

    async def start(self) -> None:
        """Nothing is needed before the first message."""

    async def stop(self) -> None:
        """Commit what is queued, let connections and threads go."""
        await self._engine.exchanger.close()
        self._engine.targets.close()
        self._reader.close()

    def unreadable(self, _start: bytes, peer: str, status: int, reason: str) -> Reply:
        """Answer what is no HTTP request."""
        context = request_context_of({})
        log.warning("request_unreadable", peer=peer, reason=reason)
        return problem_reply(status, reason, context.correlation_id)

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        context = request_context_of(request.headers)
        token = follow(context)
        try:
            return await self._traced(request, context)
        finally:
            leave(token)

    async def _traced(self, request: Request, context: RequestContext) -> Reply:
        if not tracing.is_on() or request.target in _UNTRACED:
            return await self._answer(request, context)
        with tracing.request_span(request.method, request.headers) as span:
            reply = await self._answer(request, context)
            span.status(reply.status)
            return reply

    async def _answer(self, request: Request, context: RequestContext) -> Reply:
        try:
            return await self._serve(request, context)
        except DomainError as exc:
            return error_reply(exc, context.correlation_id)
        except (SQLAlchemyError, TimeoutError) as exc:
            log.error("database_unavailable", reason=type(exc).__name__)
            return problem_reply(
                503,
                "The database cannot be reached now; the same requestId may be sent again",
                context.correlation_id,
                headers=[("Retry-After", "2")],
            )
        except Exception:
            log.exception("unexpected_error")
            detail = "Something went wrong on our side; the log knows more"
            return problem_reply(500, detail, context.correlation_id)

    async def _serve(self, request: Request, context: RequestContext) -> Reply:
        path = unquote(request.target.partition("?")[0])
        if path.rstrip("/") == RELAY_PATH:
            tracing.current_span().route(request.method, f"{RELAY_PATH}/")
            return await self._only("POST", self._relay_message, request, context)
        inbound = INBOUND.fullmatch(path)
        if inbound is not None:
            route = inbound.group(1)
            tracing.current_span().route(request.method, f"{PREFIX}/inbound/{{route}}")
            return await self._only("POST", self._inbound(route), request, context)
        return await self._own(path.rstrip("/"), context)

    async def _own(self, path: str, context: RequestContext) -> Reply:
        if path == "/livez":
            return json_reply(200, {"ok": True}, context.correlation_id)
        if path == "/readyz":
            ready = await self._reader.run(lambda: database_answers(self._database.engine))
            body = {"ok": ready, "database": ready}
            return json_reply(200 if ready else 503, body, context.correlation_id)
        if path == "/metrics":
            return Reply(200, [("Content-Type", CONTENT_TYPE)], exposition())
        return problem_reply(404, "There is nothing at this path", context.correlation_id)

    async def _only(
        self, method: str, serve: Serve, request: Request, context: RequestContext
    ) -> Reply:
        if request.method == method:
            return await serve(request, context)
        allowed = [("Allow", method)]
        detail = "The method is not allowed for the requested URL."
        return problem_reply(405, detail, context.correlation_id, headers=allowed)

    async def _relay_message(self, request: Request, context: RequestContext) -> Reply:
        authorization = request.headers.get("Authorization", "")
        caller = self._tokens.known_holder(authorization, SCOPE)
        if caller is None:
            caller = await self._reader.run(lambda: self._tokens.holder(authorization, SCOPE))
        message = read_message(
            request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            await request.read_whole(self._max_bytes),
            request.headers.get("X-Organization", ""),
        )
        response = await self._relay.relay(
            message, caller=caller.subject, correlation_id=context.correlation_id
        )
        return _framed(response.status, response.media_type, response.text.encode(), context)

    def _inbound(self, route: str) -> Serve:
        async def serve(request: Request, context: RequestContext) -> Reply:
            raw = await request.read_whole(self._max_bytes)
            reply = await self._receiver.receive(route, raw, context.correlation_id)
            return _framed(200, CONTENT_TYPES[reply.format], reply.envelope, context)

        return serve


def _framed(status: int, media_type: str, body: bytes, context: RequestContext) -> Reply:
    fields = [
        ("Content-Type", media_type),
        (CORRELATION_HEADER, context.correlation_id),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Reply(status, fields, body)
