"""One connection of a server: requests are read by llhttp, served one after the other."""

import asyncio
import contextlib
from collections import deque
from typing import Any, Protocol, cast

import httptools

from common.http.server_messages import (
    BrokenReply,
    Reply,
    Request,
    has_no_body,
    head_of,
)
from common.logs import get_logger

log = get_logger(__name__)

MAX_HEAD_BYTES = 192 * 1024
MAX_FIELDS = 500
KEEP_ALIVE_S = 75.0
#: How much of a body that nobody reads is still taken, so that its sender sees the answer.
DISCARDED_BYTES = 32 * 1024 * 1024
#: Requests that were sent without waiting for answers are read ahead up to this many.
MAX_PIPELINED = 8

#: Names of fields that are taken, in their usual spelling; bounded, for anybody may send any.
_SPELLINGS: dict[bytes, str] = {}
_MAX_SPELLINGS = 2_000


class Application(Protocol):
    """What answers requests. Neither may raise."""

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""

    def unreadable(self, start: bytes, peer: str, status: int, reason: str) -> Reply:
        """Answer what is no HTTP request; `start` is its beginning."""


class ServerProtocol(asyncio.Protocol):
    """One connection. `connections` holds those that are open."""

    def __init__(self, application: Application, connections: "set[ServerProtocol]") -> None:
        self._application = application
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Request] = deque()
        self._arriving: Request | None = None
        self._current: Request | None = None
        self._start = b""
        self._head_bytes = 0
        self._fields = 0
        self._discarded = 0
        self._is_gone = False
        self._is_closing = False
        self._is_broken = False
        self._is_paused = False
        self._may_write: asyncio.Future[None] | None = None
        #: When it began to wait for a request; None while one is in hand or arrives.
        self._rests_since: float | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._parser = httptools.HttpRequestParser(self)

    # --- the loop's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer: str = peer[0] if isinstance(peer, tuple) else ""
        self._connections.add(self)
        self._rest()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._is_broken:
            return
        self._rests_since = None
        if self._arriving is None:
            self._start = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_closing = True  # served without it; what follows would be another protocol
        except httptools.HttpParserError as exc:
            self._refuse(*_why(exc))
        if self._arriving is not None and not self._arriving.method:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "The header fields are too large")
        if self._task is None:
            self._rest()  # a head or a discarded body that stops arriving is given up as well

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone."""
        self._is_gone = True
        self._connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        for request in (self._arriving, self._current, *self._waiting):
            if request is not None:
                request.lost()
        self._waiting.clear()
        self.resume_writing()

    def pause_writing(self) -> None:
        """What was written has not left yet: more would pile up."""
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        """More may be written."""
        waiting, self._may_write = self._may_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def answer_and_close(self) -> None:
        """Let the next answer be the last one."""
        self._is_closing = True

    def close_if_idle(self) -> None:
        """Close the connection where no request is in hand."""
        if self._task is None and self._arriving is None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection, whatever it is doing."""
        self._transport.abort()

    # --- llhttp's calls

    def on_message_begin(self) -> None:
        """A request begins."""
        self._arriving = Request(self._loop, self._peer, self._pause)
        self._head_bytes = self._fields = 0

    def on_url(self, target: bytes) -> None:
        """(A part of) its target."""
        assert self._arriving is not None
        self._arriving.target += target.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field."""
        request = self._arriving
        assert request is not None
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise _TooManyFields
        if request.method:  # a trailer; nobody asked for it
            return
        spelled = _SPELLINGS.get(name)
        if spelled is None:
            spelled = _spelled(name)
            if "_" in spelled:
                request.left_out.append(spelled)
                return
        text = value.decode("latin-1").rstrip(" \t")  # llhttp leaves it there
        headers = request.headers
        if spelled in headers and spelled != "Content-Type":  # of that one the last counts
            text = f"{headers[spelled]}{'; ' if spelled == 'Cookie' else ','}{text}"
        headers[spelled] = text

    def on_headers_complete(self) -> None:
        """Its head is here."""
        request = self._arriving
        assert request is not None
        request.method = self._parser.get_method().decode("ascii")
        request.is_last = not self._parser.should_keep_alive()
        headers = request.headers
        if "Content-Length" in headers:
            request.content_length = int(headers["Content-Length"])
            request.has_body = True
        elif "Transfer-Encoding" in headers:
            request.content_length, request.has_body = None, True
        if headers.get("Expect", "").lower() == "100-continue":
            request.expects_continue(self._say_continue)
        self._waiting.append(request)
        if self._task is None:
            self._serve_next()

    def on_body(self, data: bytes) -> None:
        """A piece of its body."""
        request = self._arriving
        assert request is not None
        request.fed(data)
        if request.is_discarded:
            self._discarded += len(data)
            if self._discarded > DISCARDED_BYTES:
                self._transport.close()

    def on_message_complete(self) -> None:
        """Its last byte is here."""
        request, self._arriving = self._arriving, None
        assert request is not None
        request.complete()
        if len(self._waiting) >= MAX_PIPELINED:
            self._pause(True)
        if self._current is None and self._task is None and not self._waiting:
            self._rest()  # its answer has left already

    # --- serving

    def _serve_next(self) -> None:
        if self._waiting and not self._is_gone:
            self._current = self._waiting.popleft()
            self._pause(False)
            self._task = self._loop.create_task(self._serve(self._current))
        else:
            self._current = self._task = None
            self._rest()

    async def _serve(self, request: Request) -> None:
        try:
            reply = await self._application(request)
            if not self._is_gone:
                await self._send(request, reply)
            elif not isinstance(reply.body, bytes):
                await _close(reply.body)
        except Exception as exc:
            if not isinstance(exc, BrokenReply):
                log.exception("request_broke")
            self._transport.abort()
        if not request.is_whole:
            self._discarded = request.discard()
        self._serve_next()

    async def _send(self, request: Request, reply: Reply) -> None:
        if has_no_body(request.method, reply.status) and not isinstance(reply.body, bytes):
            await _close(reply.body)
            reply.body = b""
        body = reply.body
        # A caller of HTTP/1.0 knows no chunks: the end of the connection ends the body.
        is_old = self._parser.get_http_version() == "1.0"
        in_pieces = not isinstance(body, bytes)
        is_chunked = in_pieces and reply.length is None and not is_old
        if request.is_last or (is_old and in_pieces and reply.length is None):
            self._is_closing = True
        connection = "close" if self._is_closing else "keep-alive" if is_old else None
        head = head_of(reply, request.method, is_chunked=is_chunked, connection=connection)
        if isinstance(body, bytes):
            omitted = has_no_body(request.method, reply.status)
            self._transport.write(head if omitted or not body else head + body)
        else:
            self._transport.write(head)
            await self._send_pieces(body, is_chunked)
        if self._may_write is not None:
            await self._may_write

    async def _send_pieces(self, body: Any, is_chunked: bool) -> None:
        try:
            async for piece in body:
                if self._is_gone:
                    return
                self._transport.write(
                    b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
                )
                if self._may_write is not None:
                    await self._may_write
        finally:
            await _close(body)
        if is_chunked:
            self._transport.write(b"0\r\n\r\n")

    def _rest(self) -> None:
        if self._is_gone:
            return
        if self._is_closing and self._arriving is None:
            self._transport.close()
        elif self._rests_since is None:
            self._rests_since = self._loop.time()
            if self._idle is None:
                self._idle = self._loop.call_later(KEEP_ALIVE_S, self._look_at_clock)

    def _look_at_clock(self) -> None:
        """Close what has rested for too long. The timer is not moved for each request."""
        self._idle = None
        if self._rests_since is None:
            return
        left_s = self._rests_since + KEEP_ALIVE_S - self._loop.time()
        if left_s <= 0:
            self._transport.close()
        else:
            self._idle = self._loop.call_later(left_s, self._look_at_clock)

    def _refuse(self, status: int, reason: str) -> None:
        """What came is no request: answered where nothing else is being answered, then closed."""
        self._is_closing = self._is_broken = True
        request, self._arriving = self._arriving, None
        if request is not None:
            request.lost()
        if self._task is not None:
            return
        reply = self._application.unreadable(self._start, self._peer, status, reason)
        self._transport.write(head_of(reply, "GET", is_chunked=False, connection="close"))
        self._transport.write(reply.whole)
        self._transport.close()

    def _say_continue(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _pause(self, full: bool) -> None:
        if full != self._is_paused and not self._is_gone:
            self._is_paused = full
            with contextlib.suppress(RuntimeError):  # it is closing
                (self._transport.pause_reading if full else self._transport.resume_reading)()


class _TooManyFields(Exception):
    """More header fields than anybody needs."""


def _why(error: httptools.HttpParserError) -> tuple[int, str]:
    """The status and the reason for a request that cannot be read."""
    if isinstance(error.__context__, _TooManyFields):
        return 431, f"The request has more than {MAX_FIELDS} header fields"
    return 400, f"The request cannot be read as HTTP: {error}"


def _spelled(name: bytes) -> str:
    spelled = name.decode("latin-1").title()
    if len(_SPELLINGS) < _MAX_SPELLINGS and "_" not in spelled:
        _SPELLINGS[name] = spelled
    return spelled


async def _close(pieces: Any) -> None:
    """Let a generator end its work; other iterators have none."""
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()
