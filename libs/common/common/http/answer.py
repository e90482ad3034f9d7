"""An answer as it arrives: its header once, then its body piece by piece."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from common.http.alarm import Alarm
from common.http.outcomes import ClosedUnanswered, OutboundError, OutcomeUnknown, TimedOut
from common.http.parsed_answer import ParsedAnswer

#: More than this is not read ahead of who reads the body.
HIGH_WATER_BYTES = 256 * 1024


class Limits(NamedTuple):
    """How long an exchange may last: silence between two signs of life, and in all (seconds)."""

    silence_s: float
    total_s: float


class Answer(ParsedAnswer):
    """The answer to one request; `fed`, `ended` and `failed` are for its connection.

    `release(may_rest)` is called once, when nothing more is to come: the connection is free.
    `on_end(answer)` is called once for who does not wait: when it is whole, has failed, or is too
    large to be kept. `alarm` is its connection's.
    """

    __slots__ = (
        "_alarm",
        "_deadline",
        "_is_gathering",
        "_last_sign",
        "_loop",
        "_may_rest",
        "_more",
        "_on_end",
        "_release",
        "_silence_s",
        "_total_s",
        "has_begun",
        "pause",
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
        alarm: Alarm | None = None,
    ) -> None:
        super().__init__(method)
        self.has_begun = False
        #: Whether the other side waits for our caller's body, so that its silence means nothing.
        self.waits_for_us = False
        self.pause = pause
        self._loop = loop
        self._silence_s = limits.silence_s
        self._total_s = limits.total_s
        self._release = release
        self._on_end = on_end
        self._more: asyncio.Future[None] | None = None
        self._is_gathering = False
        self._may_rest = False
        now = loop.time()
        self._last_sign = now
        self._deadline = now + limits.total_s
        self._alarm = alarm or Alarm(loop)
        self._alarm.set(min(now + limits.silence_s, self._deadline), self._look_at_clock)

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
        self._parse(data)
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

    # --- how it ends

    def _complete(self, *, may_rest: bool) -> None:
        self.is_complete = True
        self._alarm.stop()
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
        self._alarm.stop()
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
            self._alarm.set(due, self._look_at_clock)
        elif self.has_head:
            self._fail(TimedOut(f"was silent for {self._silence_s:g} s within its answer"))
        else:
            self._fail(TimedOut(f"did not answer within {self._silence_s:g} s"))
