"""One connection of an event loop to an endpoint: a request is sent and its answer read at once."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import cast

from common.http.alarm import Alarm
from common.http.answer import Answer, Limits
from common.http.endpoint import Endpoint, verified_tls
from common.http.outcomes import NotSent, OutcomeUnknown
from common.http.resolution import permitted_addresses
from common.outbound import ANYWHERE, OutboundRules

Pieces = AsyncIterator[bytes]
_PIECE_BYTES = 64 * 1024
#: A plain number: the flags of `socket` are enumerations, which are slow to combine.
_PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Connection(asyncio.Protocol):
    """Used by one exchange at a time; `give_back` takes it when its answer was read to the end."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, give_back: "Callable[[Connection], None]"
    ) -> None:
        self.is_fresh = True
        self.is_closed = False
        #: Whether we closed it before all that was written had left: no whole request arrived.
        self.was_cut_short = False
        self.rested_since = 0.0
        self._loop = loop
        self._give_back = give_back
        self._alarm = Alarm(loop)
        self._answer: Answer | None = None
        self._sending: asyncio.Task[None] | None = None
        self._may_write: asyncio.Future[None] | None = None

    # --- for who makes a call

    async def exchange(
        self, method: str, head: bytes, body: bytes | Pieces, limits: Limits
    ) -> Answer:
        """Send a request and wait for its answer's header; the answer may come before the body
        has left, and then the rest of it does not leave.

        Raises NotSent, OutcomeUnknown, and what `body` raises: then the request is incomplete.
        """
        if self.is_closed:
            raise NotSent("the connection was closed before the request left")
        answer = Answer(self._loop, method, limits, self._answered, self._pause, alarm=self._alarm)
        self._answer = answer
        try:
            if isinstance(body, bytes):
                self._transport.write(head + body if body else head)
                await answer.head()
            else:
                await self._send_pieces(head, body, answer)
        except BaseException:
            self.close()
            raise
        return answer

    def ask(
        self, method: str, request: bytes, limits: Limits, on_end: Callable[[Answer], None]
    ) -> None:
        """Send a whole request without waiting; `on_end` is called once, as `Answer` says.

        Raises NotSent.
        """
        if self.is_closed:
            raise NotSent("the connection was closed before the request left")
        self._answer = Answer(
            self._loop, method, limits, self._answered, self._pause, on_end, self._alarm
        )
        self._transport.write(request)

    def is_quiet(self) -> bool:
        """Whether a resting connection still stands: open, and nothing to read (a close)."""
        if self.is_closed:
            return False
        try:
            self._peeked.recv(1, _PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close it at once."""
        self.is_closed = True
        if self._sending is not None:
            self._sending.cancel()
        self.was_cut_short |= not self._has_left()
        self._alarm.close()
        self._transport.abort()

    # --- sending a body that still arrives

    async def _send_pieces(self, head: bytes, body: Pieces, answer: Answer) -> None:
        self._sending = self._loop.create_task(self._pump(head, body, answer))
        self._sending.add_done_callback(_forget)
        waiting = self._loop.create_task(answer.head())
        try:
            await asyncio.wait({self._sending, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() or self._sending.cancelled():
                await waiting
                return
            await self._sending  # raises what reading the caller's body raised
            await waiting
        finally:
            waiting.cancel()

    async def _pump(self, head: bytes, body: Pieces, answer: Answer) -> None:
        self._transport.write(head)
        answer.waits_for_us = True
        async for piece in body:
            answer.waits_for_us = False
            if self.is_closed:
                return  # the answer says why
            self._transport.write(piece)
            if self._may_write is not None:
                await self._may_write
            answer.sign_of_life()
            answer.waits_for_us = True
        answer.waits_for_us = False
        answer.sign_of_life()

    # --- the loop's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        # A socket object of our own over the transport's descriptor: only to look, never to close.
        self._peeked = socket.socket(fileno=sock.fileno())

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._answer is None:
            self.close()  # nobody asked for anything
        else:
            self._answer.fed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.is_closed = True
        if exc is not None:
            self._read_what_came()
        self._peeked.detach()
        self._alarm.close()
        self.resume_writing()
        if self._answer is not None:
            self._answer.ended(exc)

    def _read_what_came(self) -> None:
        """Writing failed, because the other side answered and closed: the answer may be here."""
        is_encrypted = self._transport.get_extra_info("ssl_object") is not None
        with contextlib.suppress(OSError):
            while self._answer is not None and not is_encrypted:
                data = self._peeked.recv(_PIECE_BYTES, socket.MSG_DONTWAIT)
                if not data:
                    return
                self._answer.fed(data)

    def pause_writing(self) -> None:
        """What was written has not left yet: more would pile up."""
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        """More may be written."""
        waiting, self._may_write = self._may_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    # --- the answer's calls

    def _answered(self, may_rest: bool) -> None:
        self._answer = None
        has_sent = self._sending is None or self._sending.done()
        if may_rest and has_sent and not self.is_closed and self._has_left():
            self._sending = None
            self._give_back(self)
        else:
            self.close()

    def _has_left(self) -> bool:
        return self._transport.get_write_buffer_size() == 0

    def _pause(self, full: bool) -> None:
        if self.is_closed:
            return
        with contextlib.suppress(RuntimeError):  # it is (not) paused already
            (self._transport.pause_reading if full else self._transport.resume_reading)()


def _forget(sending: asyncio.Task[None]) -> None:
    """Once the answer is here nobody asks how sending the rest of the body ended."""
    if not sending.cancelled():
        sending.exception()


async def connect(
    endpoint: Endpoint,
    timeout_s: float,
    give_back: Callable[[Connection], None],
    rules: OutboundRules = ANYWHERE,
) -> Connection:
    """A new connection, to the first address that takes it of those that may be called.

    Raises NotSent.
    """
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await permitted_addresses(endpoint, rules)
            for address in addresses[:-1]:
                with contextlib.suppress(OSError):
                    return await _connect(endpoint, address, give_back)
            return await _connect(endpoint, addresses[-1], give_back)
    except (OSError, UnicodeError) as exc:  # UnicodeError: no host can be called that
        raise NotSent(f"cannot be reached ({type(exc).__name__})") from exc


async def _connect(
    endpoint: Endpoint, address: str, give_back: Callable[[Connection], None]
) -> Connection:
    loop = asyncio.get_running_loop()
    is_tls = endpoint.scheme == "https"
    _, connection = await loop.create_connection(
        lambda: Connection(loop, give_back),
        address,
        endpoint.port,
        ssl=(endpoint.tls or verified_tls()) if is_tls else None,
        server_hostname=endpoint.host if is_tls else None,
    )
    return connection


__all__ = ["Answer", "Connection", "Limits", "OutcomeUnknown", "Pieces", "connect"]
