"""Step 10: a call goes to its mediator, and the answer comes back as bytes."""

from collections.abc import Iterable, Iterator

from common.upstream import Answer, BrokenOff, Connection, Pool, Unreachable

from proxy.gateway.call import Body, Call
from proxy.gateway.headers import forwarded_headers, request_head, without_query_parameter
from proxy.gateway.routing_table import RoutedChannel

#: RFC 9110 §9.2.2: sending these twice means the same as once.
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class Forwarder:
    """Sends calls to mediators over pooled connections."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._pool = Pool(connect_timeout_s)

    def connect(self, channel: RoutedChannel) -> Connection:
        """A connection to the channel's mediator. Raises Unreachable: nothing was sent."""
        if channel.requires_tls and channel.endpoint.scheme != "https":
            raise Unreachable("the channel demands TLS, the mediator's endpoint is clear text")
        return self._pool.take(channel.endpoint)

    def send(
        self,
        connection: Connection,
        call: Call,
        body: Body,
        channel: RoutedChannel,
        *,
        is_async: bool = False,
    ) -> Answer:
        """Send over `connection`. Raises BrokenOff, TimedOut; Unreachable if a retry finds nobody.

        A rested connection may have been closed by the other side at the very moment it was
        taken: what is idempotent is then sent again over a new one.
        """
        head, pieces = _request(call, body, channel, is_async=is_async)
        while True:
            try:
                response = connection.exchange(call.method, head, pieces(), channel.timeout_s)
            except BrokenOff:
                connection.close()
                may_repeat = call.method in IDEMPOTENT_METHODS and body.is_whole
                if connection.is_fresh or not may_repeat:
                    raise
                connection = self._pool.take(channel.endpoint)
            except BaseException:
                connection.close()
                raise
            else:
                return Answer(self._pool, channel.endpoint, connection, response)

    def send_raw(self, connection: Connection, body: Body, channel: RoutedChannel) -> bytes:
        """The exchange of a `tcp` channel. Raises BrokenOff, TimedOut."""
        try:
            return connection.exchange_raw(body.pieces(), channel.timeout_s)
        finally:
            connection.close()


class _Pieces:
    """A request body in pieces, chunked where its length is not known."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __call__(self) -> Iterable[bytes]:
        if self._body.is_whole:
            return (self._body.head,)
        return self._body.pieces() if self._body.length is not None else self._chunked()

    def _chunked(self) -> Iterator[bytes]:
        for piece in self._body.pieces():
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"


def _request(
    call: Call, body: Body, channel: RoutedChannel, *, is_async: bool
) -> tuple[bytes, _Pieces]:
    query = without_query_parameter(call.raw_query, "async")
    target = channel.endpoint.base_path + call.raw_path + (f"?{query}" if query else "")
    headers = forwarded_headers(call.headers, is_async=is_async)
    headers += [
        ("X-Correlation-Id", str(call.correlation_id)),
        ("X-Forwarded-For", call.address),
        ("X-Forwarded-Host", call.host),
        ("X-Forwarded-Proto", call.scheme),
    ]
    length = len(body.head) if body.is_whole else body.length
    head = request_head(call.method, target, channel.endpoint.authority, headers, length)
    return head, _Pieces(body)
