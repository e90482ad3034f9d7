"""An answer as it arrives: its header once, then its body piece by piece. Read by llhttp."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httptools

from common.http.outcomes import ClosedUnanswered, NotHttp, OutboundError, OutcomeUnknown, TimedOut

#: What an answer's header may have in all.
MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 200
#: Informational answers (1xx) that may come before the answer itself.
MAX_INTERIM = 20
#: More than this is not read ahead of who reads the body.
HIGH_WATER_BYTES = 256 * 1024

_TOO_LARGE = f"its header is larger than {MAX_HEAD_BYTES} bytes"
_DUPLICATE_LENGTH = "Duplicate Content-Length"
_LENGTH_LINE = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d+)[ \t]*\r?\n")
_BODILESS = frozenset({204, 304})
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an exchange may last: silence between two signs of life, and in all (seconds)."""

    silence_s: float
    total_s: float


class Answer:
    """The answer to one request; `fed`, `ended` and `failed` are for its connection.

    `release(may_rest)` is called once, when nothing more is to come: the connection is free.
    `on_end(answer)` is called once for who does not wait: when it is whole, has failed, or is too
    large to be kept.
    """

    __slots__ = (
        "_buffered",
        "_deadline",
        "_error",
        "_head_bytes",
        "_interim",
        "_is_gathering",
        "_is_informational",
        "_keeps_connection",
        "_last_sign",
        "_loop",
        "_may_rest",
        "_method",
        "_more",
        "_on_end",
        "_parser",
        "_pieces",
        "_raw_head",
        "_release",
        "_silence_s",
        "_timer",
        "_total_s",
        "_until_close",
        "has_begun",
        "has_head",
        "headers",
        "is_complete",
        "length",
        "pause",
        "reason",
        "status",
        "waits_for_us",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        method: str,
        limits: Limits,
        release: Callable[[bool], None],
        pause: Callable[[bool], None],
        on_end: "Callable[[Answer], None] | None" = None,
    ) -> None:
        self.status = 0
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        #: The announced length of the body; None where it is not announced.
        self.length: int | None = None
        self.has_begun = False
        self.has_head = False
        self.is_complete = False
        #: Whether the other side waits for our caller's body, so that its silence means nothing.
        self.waits_for_us = False
        self.pause = pause
        self._loop = loop
        self._method = method
        self._silence_s = limits.silence_s
        self._total_s = limits.total_s
        self._release = release
        self._on_end = on_end
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._more: asyncio.Future[None] | None = None
        self._error: OutboundError | None = None
        self._raw_head: list[bytes] = []
        self._head_bytes = 0
        self._interim = 0
        self._is_informational = False
        self._is_gathering = False
        self._keeps_connection = False
        self._may_rest = False
        self._until_close = False
        self._parser = _parser_for(self)
        now = loop.time()
        self._last_sign = now
        self._deadline = now + limits.total_s
        self._timer = loop.call_at(min(now + limits.silence_s, self._deadline), self._look_at_clock)

    # --- for who made the call

    async def head(self) -> None:
        """Wait for status and header. Raises OutcomeUnknown and its kinds."""
        while not self.has_head:
            await self._wait()

    async def read(self) -> bytes:
        """The next piece of the body as it came; none at the end. Raises OutcomeUnknown."""
        while not self._pieces:
            if self.is_complete:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        self._buffered -= len(piece)
        if not self._buffered and not self.is_complete:
            self.pause(False)
        return piece

    async def read_whole(self, max_bytes: int) -> bytes:
        """The whole body. Raises OutcomeUnknown, also for more than `max_bytes`."""
        pieces, size = [], 0
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes:
                self.abandon()
                raise OutcomeUnknown(f"the answer is larger than {max_bytes} bytes")
        return b"".join(pieces)

    def whole(self) -> bytes:
        """The body, for who is called at its end. Raises OutcomeUnknown."""
        if self._error is not None:
            raise self._error
        return b"".join(self._pieces)

    async def gather(self, max_bytes: int, wait_s: float) -> bytes:
        """What comes of the body within `wait_s`, about `max_bytes` at the most.

        `is_complete` says whether that is all of it. Raises OutcomeUnknown.
        """
        if not self.is_complete:
            self._is_gathering = True
            timer = self._loop.call_later(wait_s, self._stop_waiting)
            try:
                while self._is_gathering and not self.is_complete and self._buffered <= max_bytes:
                    await self._wait()
            finally:
                timer.cancel()
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._buffered = 0
        if not self.is_complete:
            self.pause(False)
        return body

    def _stop_waiting(self) -> None:
        self._is_gathering = False
        self._wake()

    def abandon(self) -> None:
        """Nobody reads the rest: the connection is closed."""
        if not self.is_complete and self._error is None:
            self._fail(OutcomeUnknown("the answer was not read to its end"))

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._more = self._loop.create_future()
        await self._more

    # --- for its connection

    def sign_of_life(self) -> None:
        """The other side took or sent something."""
        self._last_sign = self._loop.time()

    def fed(self, data: bytes) -> None:
        """Bytes came."""
        self._last_sign = self._loop.time()
        self.has_begun = True
        if not self.has_head:
            self._raw_head.append(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(NotHttp("it changes the protocol (101), which nobody asked for"))
        except httptools.HttpParserError as exc:
            if self._raw_head and str(exc) == _DUPLICATE_LENGTH:
                self._feed_with_one_length()
            else:
                self._fail(self._error or NotHttp(_words(exc)))
        if self._error is None and not self.has_head and self._head_size() > MAX_HEAD_BYTES:
            self._fail(NotHttp(_TOO_LARGE))
        if self._buffered > HIGH_WATER_BYTES and not self.is_complete:
            self.pause(True)
        self._wake()

    def ended(self, error: Exception | None) -> None:
        """The connection is closed, by `error` where it broke."""
        if self.is_complete or self._error is not None:
            return
        if self.has_head and self._until_close and error is None:
            self._complete(may_rest=False)
        elif self.has_begun:
            self._fail(OutcomeUnknown("the connection broke off within the answer"))
        else:
            self._fail(ClosedUnanswered("the connection broke off"))
        self._wake()

    def _feed_with_one_length(self) -> None:
        """Two equal lengths are one (RFC 9110 §8.6); different ones are an error."""
        raw = b"".join(self._raw_head)
        lengths = _LENGTH_LINE.findall(raw)
        if len(lengths) < 2:
            return  # the end of the second line is still to come
        if len(set(lengths)) != 1:
            self._fail(NotHttp("it has different Content-Lengths"))
            return
        first = _LENGTH_LINE.search(raw)
        assert first is not None
        rest = _LENGTH_LINE.sub(b"", raw[first.end() :])
        self.headers, self._pieces, self._buffered = [], deque(), 0
        self.reason, self._head_bytes = "", 0
        self._raw_head, self._parser = [], _parser_for(self)
        self.fed(raw[: first.end()] + rest)

    def _head_size(self) -> int:
        return sum(map(len, self._raw_head))

    # --- llhttp's calls

    def on_message_begin(self) -> None:
        """Another message begins."""
        if self.is_complete:  # more than the answer came: who knows what it belongs to
            self._keeps_connection = False

    def on_status(self, reason: bytes) -> None:
        """(A part of) the reason phrase."""
        if _CONTROL.search(reason):
            self._error = NotHttp("its reason phrase is no line of text")
            raise self._error
        self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field."""
        if self.has_head:  # a trailer; nobody asked for it
            return
        if len(self.headers) == MAX_FIELDS:
            self._error = NotHttp(f"it has more than {MAX_FIELDS} header fields")
            raise self._error
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD_BYTES:
            self._error = NotHttp(_TOO_LARGE)
            raise self._error
        # llhttp leaves the white space behind a value.
        self.headers.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """Status and header are here."""
        if self.is_complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._error = NotHttp(f"it has more than {MAX_INTERIM} informational answers")
                raise self._error
            self._is_informational = True
            self.headers, self.reason = [], ""
            return
        self.status = status
        self._keeps_connection = self._parser.should_keep_alive()
        chunked = self._framing()
        self.has_head = True
        self._raw_head.clear()
        bodiless = self._method == "HEAD" or status in _BODILESS
        self._until_close = not bodiless and not chunked and self.length is None
        if bodiless:
            self._complete(may_rest=self._keeps_connection)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self.is_complete:  # a body behind an answer to HEAD: who knows how much is to come
            self._keeps_connection = False
        else:
            self._pieces.append(data)
            self._buffered += len(data)

    def on_message_complete(self) -> None:
        """Nothing more is to come."""
        if self._is_informational:
            self._is_informational = False
        elif not self.is_complete and self.status != 101:
            self._complete(may_rest=self._keeps_connection)

    def _framing(self) -> bool:
        """Whether the body is chunked; notes its length. Raises NotHttp."""
        chunked = False
        for name, value in self.headers:
            if len(name) == 14 and name.lower() == "content-length":
                self.length = int(value)
            elif len(name) == 17 and name.lower() == "transfer-encoding":
                chunked = value.strip().lower() == "chunked"
                if not chunked:
                    self._error = NotHttp("it has a transfer coding other than chunked")
                    raise self._error
        if chunked and self.length is not None:  # the chunks count (RFC 9112 §6.3)
            self.length = None
            self.headers = [pair for pair in self.headers if pair[0].lower() != "content-length"]
            self._keeps_connection = False
        return chunked

    # --- how it ends

    def _complete(self, *, may_rest: bool) -> None:
        self.is_complete = True
        self._timer.cancel()
        # Bytes behind the answer are seen first: those who wait are woken after this turn of the
        # loop, who is called is so when all that came was fed.
        if self._on_end is None:
            self._loop.call_soon(self._let_go, may_rest)
            self._wake()
        else:
            self._may_rest = may_rest

    def _let_go(self, may_rest: bool) -> None:
        del self._parser  # which knows this answer: no cycle is left for the collector
        self._release(may_rest and self._keeps_connection)

    def _fail(self, error: OutboundError) -> None:
        self._error = error
        self._timer.cancel()
        self._release(False)
        self._wake()

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None and not more.done():
            more.set_result(None)
        if self._on_end is not None:
            self._tell_end()

    def _tell_end(self) -> None:
        is_settled = self.is_complete or self._error is not None
        if is_settled or self._buffered > HIGH_WATER_BYTES:
            on_end, self._on_end = self._on_end, None
            if self.is_complete:  # the connection is free for who is called
                self._let_go(self._may_rest)
            assert on_end is not None
            on_end(self)

    def _look_at_clock(self) -> None:
        now = self._loop.time()
        if now >= self._deadline:
            self._fail(TimedOut(f"took longer than {self._total_s:g} s in all"))
            return
        if self.waits_for_us or self._buffered > HIGH_WATER_BYTES:
            self._last_sign = now
        due = min(self._last_sign + self._silence_s, self._deadline)
        if now < due:
            self._timer = self._loop.call_at(due, self._look_at_clock)
        elif self.has_head:
            self._fail(TimedOut(f"was silent for {self._silence_s:g} s within its answer"))
        else:
            self._fail(TimedOut(f"did not answer within {self._silence_s:g} s"))


def _parser_for(answer: Answer) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(answer)
    # Old servers end lines with LF alone; RFC 9112 §2.2 lets a recipient take that.
    # Some announce a length beside the chunks.
    parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_chunked_length=True)
    return parser


def _words(error: httptools.HttpParserError) -> str:
    """What llhttp says, or the error that one of our callbacks raised."""
    return str(error.__context__ or error)
