"""Bytes over a socket: a message goes out, what comes back is the answer (as in HL7's MLLP)."""

import asyncio
from collections.abc import AsyncIterator

from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, OutcomeUnknown, TimedOut
from common.http.resolution import permitted_addresses
from common.outbound import ANYWHERE, OutboundRules

#: MLLP's frame: a message stands between these.
FRAME_START = b"\x0b"
FRAME_END = b"\x1c\x0d"
_PIECE_BYTES = 64 * 1024


class RawConnection:
    """One connection, for one message and its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(
        self, body: bytes | AsyncIterator[bytes], *, silence_s: float, total_s: float
    ) -> bytes:
        """Send `body` and read the answer: to the end of its frame, else of the connection.

        Raises OutcomeUnknown, and what `body` raises.
        """
        try:
            async with asyncio.timeout(total_s):
                await self._send(body, silence_s)
                return await self._answer(silence_s)
        except TimeoutError as exc:
            raise TimedOut(f"did not answer within {silence_s:g} s") from exc
        except OSError as exc:
            raise OutcomeUnknown("the connection broke off") from exc
        finally:
            self.close()

    def close(self) -> None:
        """Close it at once."""
        self._writer.transport.abort()

    async def _send(self, body: bytes | AsyncIterator[bytes], silence_s: float) -> None:
        first, is_framed = True, False
        async for piece in _pieces(body):
            if first:
                first, is_framed = False, piece.startswith(FRAME_START)
            self._writer.write(piece)
            async with asyncio.timeout(silence_s):
                await self._writer.drain()
        # A frame says itself where it ends; some servers take the end of writing for a farewell.
        if not is_framed:
            self._writer.write_eof()

    async def _answer(self, silence_s: float) -> bytes:
        answer = bytearray()
        while True:
            async with asyncio.timeout(silence_s):
                piece = await self._reader.read(_PIECE_BYTES)
            if not piece:
                return bytes(answer)
            answer += piece
            if answer.startswith(FRAME_START) and answer.endswith(FRAME_END):
                return bytes(answer)


async def connect_raw(
    endpoint: Endpoint, timeout_s: float, rules: OutboundRules = ANYWHERE
) -> RawConnection:
    """A new connection. Raises NotSent."""
    try:
        async with asyncio.timeout(timeout_s):
            address = (await permitted_addresses(endpoint, rules))[0]
            return RawConnection(*await asyncio.open_connection(address, endpoint.port))
    except (OSError, UnicodeError) as exc:
        raise NotSent(f"cannot be reached ({type(exc).__name__})") from exc


async def _pieces(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece
