"""How a call leaves, for callers who wait and for the worker: connect → begin → send → read.

What `begin` commits stands before a byte leaves; it is not run when nobody can be connected to.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from common import tracing
from common.http.answer import Answer, Limits
from common.http.connection import Connection
from common.http.outcomes import (
    ClosedUnanswered,
    NotPermitted,
    NotSent,
    OutboundError,
    OutcomeUnknown,
    TimedOut,
)
from common.http.pool import Pool
from common.outbound import OutboundRules

from proxy.gateway.answered import Answered, read_up_to, rewrite_addresses, unwrapped
from proxy.gateway.breaker import CircuitOpen
from proxy.gateway.call import WHOLE_BYTES, Body, Call
from proxy.gateway.esb import EsbCall, EsbRelay
from proxy.gateway.headers import (
    forwarded_headers,
    request_head,
    within_trace,
    without_query_parameter,
)
from proxy.gateway.mediator_reports import is_wrapped
from proxy.gateway.raw_exchange import connect_raw
from proxy.gateway.rejections import Unreadable
from proxy.gateway.routing_table import RoutedChannel
from proxy.gateway.url_rewriting import MAX_BYTES as REWRITE_MAX_BYTES
from proxy.gateway.url_rewriting import may_be_rewritten
from proxy.record.transactions import SHORT_ID_DIGITS
from proxy.registry.rewriting import NotRewritten, Rewrite
from proxy.registry.secondary_routes import SecondaryRoute

#: RFC 9110 §9.2.2: sending these twice means the same as once.
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
#: An answer that is complete within this time is passed on whole, any other as it comes.
GATHER_S = 0.02

MEDIATOR = "The mediator endpoint"
UNREACHABLE = "Failed to reach mediator endpoint"
BUS = "ESB relay: {}"

Begin = Callable[[], Awaitable[None]]
#: Whom a call is sent to.
Destination = RoutedChannel | SecondaryRoute


class Forwarder:
    """Forwards calls over pooled connections."""

    def __init__(
        self,
        connect_timeout_s: float,
        relay: EsbRelay,
        rules: OutboundRules,
        *,
        begins_on_disk: bool = False,
    ) -> None:
        """`begins_on_disk`: what `begin` does takes as long as a commit, at least."""
        self._begins_on_disk = begins_on_disk
        self._connect_timeout_s = connect_timeout_s
        self._rules = rules
        self._pool = Pool(connect_timeout_s, rules)
        self._relay = relay

    async def forward(
        self,
        call: Call,
        body: Body,
        channel: RoutedChannel | None,
        esb: EsbCall | None,
        begin: Begin,
        *,
        is_async: bool = False,
    ) -> Answered:
        """Forward a call.

        Raises NotSent (surely not; CircuitOpen before `begin`), OutcomeUnknown, and what `begin`
        raises.
        """
        if esb is not None:
            return await self._relay_to_bus(call, esb, begin)
        assert channel is not None
        if channel.requires_tls and channel.endpoint.scheme != "https":
            raise NotSent("cannot be reached: the channel demands TLS, its endpoint has none")
        breaker = channel.breaker
        is_probe = breaker.is_tripped
        if is_probe:
            breaker.probe()
        try:
            exchange = self._traced if tracing.is_on() else self._exchanged
            answered = await exchange(call, body, channel, begin, is_async)
        except OutboundError as exc:
            breaker.failed(exc, is_probe=is_probe)
            raise
        except BaseException:
            breaker.abandoned(is_probe=is_probe)
            raise
        if breaker.failures:
            breaker.answered()
        return answered

    def close(self) -> None:
        """Close the resting connections."""
        self._pool.close()

    async def _traced(
        self, call: Call, body: Body, channel: RoutedChannel, begin: Begin, is_async: bool
    ) -> Answered:
        with tracing.endpoint_span(call.method, channel.endpoint) as span:
            answered = await self._exchanged(call, body, channel, begin, is_async)
            span.status(answered.status)
            return answered

    def _exchanged(
        self, call: Call, body: Body, channel: RoutedChannel, begin: Begin, is_async: bool
    ) -> Coroutine[Any, Any, Answered]:
        if channel.endpoint.scheme == "tcp":
            return self._exchange_raw(body, channel, begin)
        return self._exchange(call, body, channel, begin, is_async)

    async def _exchange(
        self, call: Call, body: Body, channel: RoutedChannel, begin: Begin, is_async: bool
    ) -> Answered:
        head = _head(call, body, channel, is_async=is_async)
        connection = await self._pool.take(channel.endpoint, for_later=self._begins_on_disk)
        try:
            await begin()
        except BaseException:
            self._pool.put(channel.endpoint, connection)
            raise
        answer = await self._send(connection, call, head, body, channel)
        if is_wrapped(answer.headers) and call.method != "HEAD":
            answered = await unwrapped(answer)
        elif channel.addresses is not None and may_be_rewritten(answer.headers):
            answered = await read_up_to(REWRITE_MAX_BYTES, answer)
        else:
            gathered = await answer.gather(WHOLE_BYTES, GATHER_S)
            answered = Answered(
                answer.status,
                answer.headers,
                gathered,
                rest=None if answer.is_complete else answer,
                phrase=answer.reason,
                length=answer.length,
            )
        if channel.addresses is not None:
            await rewrite_addresses(answered, channel.addresses, call)
        return answered

    async def ask(self, call: Call, body: Body, destination: Destination) -> Answer:
        """Send a call, whose body is whole, to somebody else as well.

        Raises NotSent, OutcomeUnknown, Unreadable.
        """
        with tracing.endpoint_span(call.method, destination.endpoint) as span:
            head = _head(call, body, destination, is_async=True)
            connection = await self._pool.take(destination.endpoint)
            answer = await self._send(connection, call, head, body, destination)
            span.status(answer.status)
            return answer

    async def _send(
        self, connection: Connection, call: Call, head: bytes, body: Body, channel: Destination
    ) -> Answer:
        """A resting connection may be closed by the other side at the very moment it is used:
        what is idempotent is then sent once more, over a new one."""
        limits = Limits(channel.timeout_s, channel.total_timeout_s)
        may_repeat = call.method in IDEMPOTENT_METHODS and body.is_whole
        if connection.is_closed:  # while it waited for `begin`
            connection = await self._pool.connect(channel.endpoint)
        try:
            return await connection.exchange(call.method, head, _sent(body), limits)
        except ClosedUnanswered:
            if connection.is_fresh or not may_repeat:
                raise
        try:
            connection = await self._pool.connect(channel.endpoint)
        except NotSent as exc:
            raise OutcomeUnknown("the connection broke off") from exc
        return await connection.exchange(call.method, head, _sent(body), limits)

    async def _exchange_raw(self, body: Body, channel: RoutedChannel, begin: Begin) -> Answered:
        connection = await connect_raw(channel.endpoint, self._connect_timeout_s, self._rules)
        try:
            await begin()
        except BaseException:
            connection.close()
            raise
        answer = await connection.exchange(
            body.head if body.is_whole else body.pieces(),
            silence_s=channel.timeout_s,
            total_s=channel.total_timeout_s,
        )
        return Answered(200, [("Content-Type", "application/octet-stream")], answer)

    async def _relay_to_bus(self, call: Call, esb: EsbCall, begin: Begin) -> Answered:
        await begin()
        said = await self._relay.relay(esb, call.shown_id)
        return Answered(
            said.status,
            [("Content-Type", "application/json")],
            said.body,
            error=said.error,
            exchange_id=said.exchange_id,
            was_not_sent=said.was_not_sent,
        )


def _sent(body: Body) -> bytes | AsyncIterator[bytes]:
    if body.is_whole:
        return body.head
    return body.pieces() if body.length is not None else _chunked(body)


async def _chunked(body: Body) -> AsyncIterator[bytes]:
    async for piece in body.pieces():
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def target_of(call: Call, channel: Destination) -> str:
    """What is asked for there. Raises Unreadable for a path that climbs once it is rewritten."""
    query = call.raw_query
    if not channel.async_passthrough:
        query = without_query_parameter(query, "async")
    path = call.raw_path if channel.rewrite is None else _rewritten(call.raw_path, channel.rewrite)
    return channel.endpoint.base_path + path + (f"?{query}" if query else "")


def _head(call: Call, body: Body, channel: Destination, *, is_async: bool) -> bytes:
    headers = within_trace(forwarded_headers(call.headers, is_async=is_async))
    if channel.addresses is not None:
        headers = [pair for pair in headers if pair[0] != "Accept-Encoding"]
    if channel.forward_authorization and "Authorization" in call.headers:
        headers.append(("Authorization", call.headers["Authorization"]))
    if channel.credentials is not None:
        name = channel.credentials[0].lower()
        headers = [pair for pair in headers if pair[0].lower() != name]
        headers.append(channel.credentials)
    shown = call.shown_id
    headers += [
        ("X-Correlation-Id", shown),
        ("X-OpenHIM-TransactionID", shown.replace("-", "")[:SHORT_ID_DIGITS]),
        *call.client_fields,
        ("X-Forwarded-For", call.address),
        ("X-Forwarded-Host", call.host),
        ("X-Forwarded-Proto", call.scheme),
    ]
    length = len(body.head) if body.is_whole else body.length
    return request_head(
        call.method, target_of(call, channel), channel.endpoint.authority, headers, length
    )


def _rewritten(raw_path: str, rewrite: Rewrite) -> str:
    try:
        return rewrite(raw_path)
    except NotRewritten as exc:
        raise Unreadable(str(exc)) from exc


def explain_failure(error: OutboundError, *, is_bus: bool) -> tuple[int, str]:
    """The status and the reason of a call that got no answer."""
    status = 504 if isinstance(error, TimedOut) else 502
    if is_bus:
        return 502, BUS.format(error)
    if isinstance(error, (NotPermitted, CircuitOpen)):
        return status, f"{UNREACHABLE}: {error}"
    if isinstance(error, NotSent):
        return status, UNREACHABLE
    if isinstance(error, TimedOut):
        return status, f"{MEDIATOR} {error}, outcome unknown"
    assert isinstance(error, OutcomeUnknown)
    return status, f"{UNREACHABLE}: {error}, outcome unknown"
