"""One bound connection to an SMSC: SMPP 3.4 over an event loop. `smpplib` writes and reads PDUs.

Requests of both sides run at once over it; each answer names its request by a sequence number. Who
has been silent for a while is asked for a sign of life (`enquire_link`).
"""

import asyncio
import contextlib
import logging
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.logs import get_logger
from smpplib import consts, smpp
from smpplib.client import SimpleSequenceGenerator
from smpplib.command_codes import get_command_code
from smpplib.exceptions import PDUError, UnknownCommandError

log = get_logger(__name__)

HEADER = struct.Struct(">LLLL")
MOST_PDU_BYTES = 128 * 1024
_IS_RESPONSE = 0x8000_0000
#: Submits that were not answered in time and may be so yet.
MOST_LATE = 1_000
#: What `smpplib` raises for a PDU that is none.
_NOT_READ = (ValueError, LookupError, TypeError, AttributeError, struct.error, PDUError)


class NotLeftError(Exception):
    """Surely not submitted."""


class BindRefusedError(NotLeftError):
    """The SMSC does not let us in; `status` is what it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the bind was answered {status_name(status)}")
        self.status = status


class NoAnswerError(Exception):
    """The request has left, or part of it, and was not answered."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where an SMSC is and who we are to it. `enquire_s`: silence after which it is asked."""

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    system_type: str
    tls: ssl.SSLContext | None
    timeout_s: float
    enquire_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with: a status, 0 for yes, and of a submit the message's id."""

    status: int
    message_id: str | None = None


#: Takes a `deliver_sm`, and what answers it with a status.
Delivered = Callable[[Any, Callable[[int], None]], None]
#: Takes the reference and the id of a submit that was taken after all.
Late = Callable[[str, str], None]


class Session:
    """Bound as a transceiver until it is closed, by whichever side."""

    def __init__(self, account: Account, on_delivered: Delivered, on_late: Late) -> None:
        self._account = account
        self._on_delivered, self._on_late = on_delivered, on_late
        self._numbers = SimpleSequenceGenerator()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._late: dict[int, str] = {}
        self._heard_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self.closed = asyncio.Event()
        # Its debug lines have passwords and texts.
        logging.getLogger("smpplib").setLevel(logging.WARNING)

    async def bind(self) -> None:
        """Connect and log in. Raises NotLeftError."""
        account, loop = self._account, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(account.timeout_s):
                reader, self._writer = await asyncio.open_connection(
                    account.host, account.port, ssl=account.tls
                )
        except (OSError, TimeoutError) as exc:
            raise NotLeftError(f"no connection ({type(exc).__name__})") from exc
        self._heard_at = loop.time()
        self._tasks = [loop.create_task(self._read(reader))]
        names = {"system_id": account.system_id, "password": account.password}
        try:
            answer = await self._ask("bind_transceiver", **names, system_type=account.system_type)
        except NoAnswerError as exc:
            self.close("the bind was not answered")
            raise NotLeftError(str(exc)) from exc
        if answer.status:
            self.close("the bind was refused")
            raise BindRefusedError(answer.status)
        self._tasks.append(loop.create_task(self._keep_alive()))

    async def submit(self, fields: Mapping[str, Any], reference: str | None) -> Answer:
        """Give it a message, or a segment of one. Raises NotLeftError, NoAnswerError.

        `reference`: whose id is told of when the answer comes late.
        """
        if self.closed.is_set():
            raise NotLeftError("the connection was closed")
        return await self._ask("submit_sm", reference, **fields)

    async def unbind(self) -> None:
        """Take leave, if the other side still listens."""
        if not self.closed.is_set():
            with contextlib.suppress(NoAnswerError):
                await self._ask("unbind")
        self.close("unbound")

    def close(self, reason: str) -> None:
        """Let go of it at once; what waits for an answer gets none."""
        if self.closed.is_set():
            return
        self.closed.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NoAnswerError(f"{reason} before it answered"))
        if self._writer is not None:
            self._writer.transport.abort()
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def _ask(self, command: str, reference: str | None = None, **fields: Any) -> Answer:
        pdu = smpp.make_pdu(command, client=self._numbers, **fields)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[pdu.sequence] = future
        try:
            self._write(pdu)
            return await asyncio.wait_for(future, self._account.timeout_s)
        except TimeoutError as exc:
            if reference is not None:
                self._expect_late(pdu.sequence, reference)
            raise NoAnswerError("did not answer in time") from exc
        finally:
            del self._waiting[pdu.sequence]

    def _expect_late(self, sequence: int, reference: str) -> None:
        if len(self._late) >= MOST_LATE:
            del self._late[next(iter(self._late))]  # the oldest
        self._late[sequence] = reference

    def _write(self, pdu: Any) -> None:
        """At most a window of requests is under way: nothing piles up."""
        assert self._writer is not None
        if not self.closed.is_set():
            self._writer.write(pdu.generate())

    def _reply(self, command: str, sequence: int, status: int = consts.SMPP_ESME_ROK) -> None:
        pdu = smpp.make_pdu(command, client=self._numbers, status=status, sequence=sequence)
        pdu.sequence = sequence
        self._write(pdu)

    async def _keep_alive(self) -> None:
        loop, enquire_s = asyncio.get_running_loop(), self._account.enquire_s
        while True:
            quiet_s = loop.time() - self._heard_at
            if quiet_s < enquire_s:
                await asyncio.sleep(enquire_s - quiet_s)
                continue
            try:
                await self._ask("enquire_link")
            except NoAnswerError:
                self.close("the SMSC fell silent")
                return

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                head = await reader.readexactly(HEADER.size)
                length, command, status, sequence = HEADER.unpack(head)
                if not HEADER.size <= length <= MOST_PDU_BYTES:
                    self.close("the SMSC spoke no SMPP")
                    return
                raw = head + await reader.readexactly(length - HEADER.size)
                self._heard_at = asyncio.get_running_loop().time()
                self._take(raw, command, status, sequence)
        except (OSError, asyncio.IncompleteReadError):
            self.close("the SMSC broke the connection off")
        finally:
            self.close("the connection ended")

    def _take(self, raw: bytes, command: int, status: int, sequence: int) -> None:
        """Act on a PDU; one that cannot be read is answered so, and concerns no other."""
        if command & _IS_RESPONSE:
            self._take_answer(sequence, Answer(status, None if status else _message_id(raw)))
            return
        try:
            pdu = smpp.parse_pdu(raw, client=self._numbers, allow_unknown_opt_params=True)
        except UnknownCommandError:
            self._reply("generic_nack", sequence, consts.SMPP_ESME_RINVCMDID)
            return
        except _NOT_READ as exc:
            log.warning("smpp_pdu_not_read", command=command, reason=type(exc).__name__)
            self._reply("generic_nack", sequence, consts.SMPP_ESME_RINVMSGLEN)
            return
        if pdu.command == "deliver_sm":
            self._on_delivered(pdu, lambda code: self._reply("deliver_sm_resp", sequence, code))
        elif pdu.command in ("enquire_link", "unbind"):
            self._reply(f"{pdu.command}_resp", sequence)
            if pdu.command == "unbind":
                self.close("the SMSC unbound us")
        else:
            self._reply("generic_nack", sequence, consts.SMPP_ESME_RINVCMDID)

    def _take_answer(self, sequence: int, answer: Answer) -> None:
        future, late = self._waiting.get(sequence), self._late.pop(sequence, None)
        if future is not None and not future.done():
            future.set_result(answer)
        elif late is not None and not answer.status and answer.message_id:
            self._on_late(late, answer.message_id)


def status_name(status: int) -> str:
    """`0x58`, as documents and operators have it."""
    return f"0x{status:02X}"


def _message_id(raw: bytes) -> str | None:
    """The id in a `submit_sm_resp`; None: there is none."""
    if int.from_bytes(raw[4:8]) != get_command_code("submit_sm_resp"):
        return None
    text = raw[HEADER.size :].partition(b"\0")[0].decode("latin-1")
    return text if text.isprintable() and text else None
