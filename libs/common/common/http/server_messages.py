"""What a server of the hot paths gets and gives: a request whose body may still arrive, a reply."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from common.errors import DomainError, TooLarge

#: More than this of a body is not read ahead of who reads it.
HIGH_WATER_BYTES = 256 * 1024
#: A body whose sender is silent for longer is given up.
BODY_SILENCE_S = 75.0

Fields = list[tuple[str, str]]


class BodyEndedEarly(DomainError):
    """The sender of a request's body went away, or was silent for too long."""

    def __init__(self) -> None:
        super().__init__("The request body ended early")


class Request:
    """One request: its head at once, its body as it is read.

    `headers` has the fields by their usual spelling (`X-Client-Id`), repeated ones joined; values
    are latin-1. `left_out` names the fields that were not taken because of a `_` in their name.
    """

    __slots__ = (
        "_buffered",
        "_is_gone",
        "_loop",
        "_more",
        "_on_first_read",
        "_pause",
        "_pieces",
        "content_length",
        "has_body",
        "headers",
        "is_discarded",
        "is_last",
        "is_whole",
        "left_out",
        "method",
        "peer",
        "target",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, peer: str, pause: Callable[[bool], None]
    ) -> None:
        self.method = ""
        self.target = ""
        self.headers: dict[str, str] = {}
        self.left_out: list[str] = []
        self.peer = peer
        #: None for a chunked body.
        self.content_length: int | None = 0
        self.has_body = False
        #: Whether the last byte of the body is here.
        self.is_whole = False
        self.is_discarded = False
        #: Whether the connection ends with its answer.
        self.is_last = False
        self._loop = loop
        self._pause = pause
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._more: asyncio.Future[None] | None = None
        self._is_gone = False
        self._on_first_read: Callable[[], None] | None = None

    async def read(self) -> bytes:
        """The next piece of the body; none at the end. Raises BodyEndedEarly."""
        if self._on_first_read is not None:
            ask, self._on_first_read = self._on_first_read, None
            ask()
        while not self._pieces:
            if self.is_whole:
                return b""
            if self._is_gone:
                raise BodyEndedEarly
            await self._wait()
        piece = self._pieces.popleft()
        self._buffered -= len(piece)
        if self._buffered <= HIGH_WATER_BYTES:
            self._pause(False)
        return piece

    async def read_whole(self, max_bytes: int) -> bytes:
        """The whole body. Raises TooLarge, early where the length says so; BodyEndedEarly."""
        too_large = TooLarge(f"The request body is larger than {max_bytes} bytes")
        if self.content_length is not None and self.content_length > max_bytes:
            raise too_large
        pieces, size = [], 0
        while self.has_body and (piece := await self.read()):
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise too_large
        return b"".join(pieces)

    def discard(self) -> int:
        """Drop what is there of the body and what still comes; the bytes dropped now."""
        dropped, self._buffered = self._buffered, 0
        self.is_discarded = True
        self._pieces.clear()
        self._pause(False)
        return dropped

    async def _wait(self) -> None:
        self._more = self._loop.create_future()
        try:
            async with asyncio.timeout(BODY_SILENCE_S):
                await self._more
        except TimeoutError as exc:
            raise BodyEndedEarly from exc

    # --- for the connection

    def expects_continue(self, ask: Callable[[], None]) -> None:
        """The sender waits for a word before it sends the body."""
        self._on_first_read = ask

    def fed(self, data: bytes) -> None:
        """A piece of the body came."""
        if self.is_discarded:
            return
        self._pieces.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER_BYTES:
            self._pause(True)
        self._wake()

    def complete(self) -> None:
        """The last byte came."""
        self.is_whole = True
        self._wake()

    def lost(self) -> None:
        """The sender has gone."""
        self._is_gone = True
        self._wake()

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None and not more.done():
            more.set_result(None)


@dataclass(slots=True)
class Reply:
    """An answer: the server frames it, so `headers` say nothing of lengths and transfer codings.

    `body` in pieces has the length `length`, or is chunked where that is None. Without a body
    `length` is what a GET would have had (answers to HEAD, 304).
    """

    status: int
    headers: Fields
    body: bytes | AsyncIterator[bytes] = b""
    reason: str = ""
    length: int | None = field(default=None)

    @property
    def whole(self) -> bytes:
        """The body of an answer that is all here."""
        assert isinstance(self.body, bytes)
        return self.body


class BrokenReply(Exception):
    """A body in pieces cannot be continued: the connection is closed, so that nobody takes it
    for whole."""


def phrase(status: int) -> str:
    """The standard reason phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


_BODILESS = frozenset({204, 304})


def head_of(reply: Reply, method: str, *, is_chunked: bool, connection: str | None) -> bytes:
    """A reply's status line and header."""
    lines = [f"HTTP/1.1 {reply.status} {reply.reason or phrase(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines += _framing(reply, method, is_chunked)
    if connection is not None:
        lines.append(f"Connection: {connection}")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1")


def _framing(reply: Reply, method: str, is_chunked: bool) -> Iterable[str]:
    if is_chunked:
        return ("Transfer-Encoding: chunked",)
    if method == "HEAD" or reply.status == 304:
        length = reply.length
        if length is None and isinstance(reply.body, bytes) and reply.body:
            length = len(reply.body)
        return () if length is None else (f"Content-Length: {length}",)
    if reply.status == 204 or reply.status < 200:
        return ()
    if isinstance(reply.body, bytes):
        return (f"Content-Length: {len(reply.body)}",)
    return () if reply.length is None else (f"Content-Length: {reply.length}",)


def has_no_body(method: str, status: int) -> bool:
    """Whether an answer to `method` with this status ends with its header."""
    return method == "HEAD" or status in _BODILESS
