"""Messages in what a sender writes: frames of MLLP, or all until the sender ends writing."""

import asyncio
from collections.abc import Awaitable, Callable

from common.errors import DomainError
from common.http.server_messages import BODY_SILENCE_S

from proxy.gateway.raw_exchange import FRAME_END, FRAME_START

_PIECE_BYTES = 64 * 1024
#: What some senders write between frames.
_BETWEEN_FRAMES = b"\r\n\x00 "

Read = Callable[[int], Awaitable[bytes]]


class BrokenOff(DomainError):
    """The sender went away, or fell silent, in the middle of a message."""


class NoFrame(DomainError):
    """What was written is no frame."""


class TooLong(DomainError):
    """A message is larger than any that is taken; its beginning is `start`."""

    def __init__(self, start: bytes) -> None:
        super().__init__("The message is too large")
        self.start = start


class Frames:
    """The messages of one connection, without their frames; a message is at most `max_bytes`."""

    def __init__(self, read: Read, max_bytes: int, idle_s: float) -> None:
        self._read = read
        self._max_bytes = max_bytes
        self._idle_s = idle_s
        self._buffer = bytearray()
        #: Between two messages.
        self.is_resting = False

    async def next(self) -> bytes | None:
        """The next message; None: there is none. Raises BrokenOff, NoFrame, TooLong."""
        if not await self._begins():
            return None
        searched = 0
        while (end := self._buffer.find(FRAME_END, searched)) < 0:
            if len(self._buffer) > self._max_bytes:
                raise TooLong(bytes(self._buffer[1:]))
            searched = max(0, len(self._buffer) - 1)
            self._buffer += await _piece(self._read)
        message = bytes(self._buffer[1:end])
        del self._buffer[: end + len(FRAME_END)]
        if len(message) > self._max_bytes:
            raise TooLong(message)
        return message

    async def _begins(self) -> bool:
        """Whether a frame begins."""
        while True:
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(_BETWEEN_FRAMES))]
            if self._buffer:
                break
            self.is_resting = True
            try:
                piece = await _piece_within(self._read, self._idle_s)
            finally:
                self.is_resting = False
            if not piece:
                return False
            self._buffer += piece
        if not self._buffer.startswith(FRAME_START):
            raise NoFrame("The sender writes no frames of MLLP")
        return True


async def read_to_end(read: Read, max_bytes: int) -> bytes | None:
    """All that is written; None where that is nothing. Raises BrokenOff, TooLong."""
    whole = bytearray()
    while piece := await _piece_within(read, BODY_SILENCE_S, BrokenOff("The sender fell silent")):
        whole += piece
        if len(whole) > max_bytes:
            raise TooLong(bytes(whole))
    return bytes(whole) or None


async def _piece(read: Read) -> bytes:
    piece = await _piece_within(read, BODY_SILENCE_S)
    if not piece:
        raise BrokenOff("The sender went away, or fell silent, within a message")
    return piece


async def _piece_within(read: Read, seconds: float, late: DomainError | None = None) -> bytes:
    """The next piece; none at the end, and where there is none for too long (or `late`)."""
    try:
        async with asyncio.timeout(seconds):
            return await read(_PIECE_BYTES)
    except TimeoutError as exc:
        if late is not None:
            raise late from exc
        return b""
