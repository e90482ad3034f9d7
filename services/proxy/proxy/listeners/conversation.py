"""One connection of a sender: its messages become calls, one after the other."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from common.clock import utc_now
from common.http.server_messages import BODY_SILENCE_S, Reply
from common.ids import new_id
from common.logs import get_logger
from cryptography import x509

from proxy.access.addresses import parsed_address
from proxy.access.certificates import FINGERPRINT, Presented
from proxy.gateway.call import Call, Origin, Whole
from proxy.gateway.raw_exchange import FRAME_END, FRAME_START
from proxy.gateway.routing_table import RoutedChannel
from proxy.listeners.acknowledgements import is_hl7
from proxy.listeners.answers import answer_to, body_of, framed, passed_on
from proxy.listeners.frames import BrokenOff, Frames, NoFrame, TooLong, read_to_end
from proxy.models import Framing

log = get_logger(__name__)

HL7_TYPE = "application/hl7-v2"
OTHER_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Serving:
    """What a connection needs of its process: the channel as it is now, and how calls are made."""

    channel: Callable[[], RoutedChannel | None]
    serve: Callable[[Call, str], Awaitable[Reply]]
    max_bytes: int
    idle_s: float


class Conversation:
    """A connection. `framing` is its port's."""

    def __init__(
        self,
        serving: Serving,
        framing: Framing,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._serving = serving
        self._framing = framing
        self._port = port
        self._reader = reader
        self._writer = writer
        self._frames = Frames(reader.read, serving.max_bytes, serving.idle_s)
        self._is_last = framing is Framing.PLAIN
        self._task = asyncio.current_task()

    async def run(self) -> None:
        """Serve messages until the sender goes, or the port is closed."""
        try:
            while await self._serve_next() and not self._is_last:
                pass
        except NoFrame as exc:
            log.warning("listener_no_frame", port=self._port, reason=str(exc))
        except (BrokenOff, OSError) as exc:
            log.info("listener_broke_off", port=self._port, reason=type(exc).__name__)
        except asyncio.CancelledError:
            if not self._is_last:
                raise
        except Exception:
            log.exception("listener_broke", port=self._port)
        finally:
            await self._close()

    def finish(self) -> None:
        """End after the message in hand."""
        self._is_last = True
        if self._frames.is_resting and self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """End at once."""
        self._writer.transport.abort()

    async def _serve_next(self) -> bool:
        """Serve a message; whether there was one."""
        try:
            message = await self._next()
        except TooLong as exc:
            self._is_last = True
            await self._answer(exc.start, self._serving.max_bytes + 1)
            return True
        if message is None:
            return False
        await self._answer(message, len(message))
        return True

    async def _next(self) -> bytes | None:
        if self._framing is Framing.PLAIN:
            return await read_to_end(self._reader.read, self._serving.max_bytes)
        return await self._frames.next()

    async def _answer(self, message: bytes, length: int) -> None:
        channel = self._serving.channel()
        if channel is None:  # closed, or changed to something else, this very moment
            self._is_last = True
            return
        call = self._call(channel, message, length)
        reply = await self._serving.serve(call, channel.name)
        body = await body_of(reply, self._serving.max_bytes)
        if self._framing is Framing.PLAIN and not is_hl7(message):
            answer = passed_on(call, body, is_async=channel.always_async)
        else:
            answer = answer_to(
                message, call, reply.status, body, utc_now(), is_async=channel.always_async
            )
        self._writer.write(answer if self._framing is Framing.PLAIN else framed(answer))
        async with asyncio.timeout(BODY_SILENCE_S):
            await self._writer.drain()

    def _call(self, channel: RoutedChannel, message: bytes, length: int) -> Call:
        if self._framing is Framing.MLLP_AS_IT_IS:
            message = FRAME_START + message + FRAME_END
            length += len(FRAME_START + FRAME_END)
        usual = HL7_TYPE if is_hl7(message) else OTHER_TYPE
        return Call(
            correlation_id=new_id(),
            started_at=utc_now(),
            started_ns=time.perf_counter_ns(),
            method=next(iter(channel.methods), "POST"),
            raw_path=quote(channel.pattern),
            raw_query="",
            headers={"Content-Type": channel.request_content_type or usual},
            address=_address(self._writer),
            host=f"{_host(self._writer)}:{self._port}",
            scheme="tcp",
            content_length=length,
            stream=Whole(message),
            certificate=_certificate(self._writer),
            origin=Origin(channel.acts_for),
        )

    async def _close(self) -> None:
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            async with asyncio.timeout(BODY_SILENCE_S):
                await self._writer.wait_closed()


def _address(writer: asyncio.StreamWriter) -> str:
    return _shown(writer.get_extra_info("peername"))


def _host(writer: asyncio.StreamWriter) -> str:
    shown = _shown(writer.get_extra_info("sockname"))
    return f"[{shown}]" if ":" in shown else shown


def _shown(name: Any) -> str:
    return str(parsed_address(name[0]) or "") if isinstance(name, tuple) else ""


def _certificate(writer: asyncio.StreamWriter) -> Presented | None:
    """What the sender showed; an authority of the listener's vouches for it."""
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    shown = tls.getpeercert(binary_form=True) if tls is not None else None
    if not shown:
        return None
    subject = x509.load_der_x509_certificate(shown).subject.rfc4514_string()
    return Presented(FINGERPRINT + hashlib.sha256(shown).hexdigest(), subject)
