"""`smpp`: an operator's SMSC over SMPP 3.4, bound as a transceiver. Source: SMPP 3.4, issue 1.2.

A window of submits is under way at once. What was submitted and not answered is not known: it is
never submitted again by itself.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.http.endpoint import verified_tls
from common.jobs.backoff import next_attempt
from common.logs import get_logger
from common.loop_thread import LoopThread
from common.settings import SettingError
from smpplib import consts
from sqlalchemy.exc import SQLAlchemyError

from notification.transports.base import Message, Outcome, Part, Result
from notification.transports.receipts import Receipt
from notification.transports.sms.dialect import identifier
from notification.transports.sms.settings import SmsSettings
from notification.transports.sms.smpp_receipts import receipt_of
from notification.transports.sms.smpp_session import (
    Account,
    Answer,
    BindRefusedError,
    NoAnswerError,
    NotLeftError,
    Session,
    status_name,
)
from notification.transports.sms.smpp_text import source_of, submits

log = get_logger(__name__)

#: What SMPP 3.4 has room for.
MOST_USERNAME_CHARS, MOST_PASSWORD_CHARS = 15, 8
THROTTLED = frozenset({consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL})
#: Said of us, our sender or our account, and so of every message.
OUR_TROUBLE = frozenset(
    {
        consts.SMPP_ESME_RINVBNDSTS,
        consts.SMPP_ESME_RINVSRCADR,
        consts.SMPP_ESME_RBINDFAIL,
        consts.SMPP_ESME_RINVPASWD,
        consts.SMPP_ESME_RINVSYSID,
        consts.SMPP_ESME_RINVSERTYP,
        consts.SMPP_ESME_RINVSRCTON,
        consts.SMPP_ESME_RINVSRCNPI,
        consts.SMPP_ESME_RINVSYSTYP,
    }
)
#: Said of the number.
BAD_NUMBER = frozenset(
    {
        consts.SMPP_ESME_RINVDSTADR,
        consts.SMPP_ESME_RINVDSTTON,
        consts.SMPP_ESME_RINVDSTNPI,
    }
)
#: Said of the message: another attempt would say the same.
BAD_MESSAGE = frozenset(
    {
        consts.SMPP_ESME_RINVMSGLEN,
        consts.SMPP_ESME_RINVCMDLEN,
        consts.SMPP_ESME_RINVCMDID,
        consts.SMPP_ESME_RINVESMCLASS,
        consts.SMPP_ESME_RX_P_APPN,
        consts.SMPP_ESME_RX_R_APPN,
        *range(consts.SMPP_ESME_RINVOPTPARSTREAM, consts.SMPP_ESME_RINVOPTPARAMVAL + 1),
    }
)
#: Between two tries of a segment that must follow those that were taken.
THROTTLED_PAUSE_S = 0.5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
#: A receipt whose message is not on record yet is looked at again so often, for so long.
EARLY_PAUSE_S, EARLY_FOR_S = 0.25, 10.0
#: Receipts that are written at once.
TAKING = 2

#: Takes a provider's receipts; False: one of them is early and must come again.
TakeReceipts = Callable[[str, Sequence[Receipt]], bool]


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message ready to leave: for each number its PDUs' fields."""

    index: int
    message: Message
    numbers: Sequence[Sequence[Mapping[str, Any]]] = field(repr=False)

    @property
    def late_reference(self) -> str | None:
        """Whose id a late answer tells of; of several PDUs one answer does not tell all."""
        is_one = len(self.numbers) == 1 and len(self.numbers[0]) == 1
        return self.message.reference if is_one else None


@dataclass(slots=True)
class _Round:
    """The messages of one `send`: what waits, and what it came to."""

    results: list[Result | None]
    queue: deque[_Letter] = field(default_factory=deque)


class Smpp:
    """A provider at the end of one bind. `send` is used by one thread at a time."""

    name = "smpp"

    def __init__(self, settings: SmsSettings, take: TakeReceipts | None = None) -> None:
        """Raises SettingError. Without `take` receipts are not answered: they come again."""
        settings.require("host", "username", "password")
        self._settings = settings
        self.segment_price = settings.segment_price
        self._take = take
        self._source = _source(settings)
        self._account = _account(settings)
        self._loop = LoopThread()
        self._session: Session | None = None
        self._binding, self._taking = asyncio.Lock(), asyncio.Semaphore(TAKING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_listening = False
        self._references = itertools.count(random.randrange(0x1_0000))  # noqa: S311 - no secret

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Submit each, `concurrency` of them at a time; all are composed before one leaves."""
        this = _Round([None] * len(messages))
        for index, message in enumerate(messages):
            composed = self._compose(index, message)
            if isinstance(composed, Result):
                this.results[index] = composed
            else:
                this.queue.append(composed)
        if this.queue:
            self._loop.run(self._send(this))
        closing = next((one for one in this.results if one and one.closes_way), None)
        held_back = closing or self._result(Outcome.WAY_CLOSED, "takes nothing now")
        return [one or replace(held_back, response=None) for one in this.results]

    def ask(self, message: Message) -> Result | None:
        """A message without an id cannot be asked about."""
        return None

    def listen(self) -> None:
        """Stay bound from now on, so that receipts come whether messages leave or not."""
        if not self._is_listening:
            self._is_listening = True
            self._loop.run(self._start_listening())

    def close(self) -> None:
        """Unbind."""
        self._is_listening = False
        self._loop.run(self._unbind())
        self._loop.close()
        # They were the ended loop's.
        self._binding, self._taking = asyncio.Lock(), asyncio.Semaphore(TAKING)

    # --- messages

    def _compose(self, index: int, message: Message) -> "_Letter | Result":
        try:
            reference, mode = next(self._references), self._settings.long_texts
            numbers = [
                [
                    {**self._source, **one}
                    for one in submits(message.body, to.removeprefix("+"), mode, reference)
                ]
                for to in message.to
            ]
        except Exception as exc:
            log.exception("submit_not_composed")
            error = f"the message cannot be composed ({type(exc).__name__})"
            return self._result(Outcome.REFUSED_FOR_GOOD, error)
        return _Letter(index, message, numbers)

    async def _send(self, this: _Round) -> None:
        try:
            session = await self._bound()
        except NotLeftError as exc:
            while this.queue:
                index = this.queue.popleft().index
                this.results[index] = self._result(Outcome.WAY_CLOSED, str(exc))
            return
        senders = min(self._settings.concurrency, len(this.queue))
        await asyncio.gather(*(self._send_some(session, this) for _ in range(senders)))
        if not self._is_listening:
            await self._unbind()

    async def _send_some(self, session: Session, this: _Round) -> None:
        """One message after the other, until the SMSC wants no more or falls silent."""
        while this.queue:
            letter = this.queue.popleft()
            result = await self._send_one(session, letter)
            this.results[letter.index] = result
            if result.closes_way or result.is_failure:
                this.queue.clear()

    async def _send_one(self, session: Session, letter: _Letter) -> Result:
        results: list[Result] = []
        for pdus in letter.numbers:
            has_begun = any(not one.is_surely_not_taken for one in results)
            results.append(await self._send_number(session, pdus, letter.late_reference, has_begun))
        return combine(results)

    async def _send_number(
        self,
        session: Session,
        pdus: Sequence[Mapping[str, Any]],
        reference: str | None,
        has_begun: bool,
    ) -> Result:
        """A number's PDUs, one after the other; the last one's id is the message's."""
        result = self._result(Outcome.WAY_CLOSED, "got nothing to send")
        for taken, fields in enumerate(pdus):
            result = await self._submit(session, fields, reference, has_begun or taken > 0)
            if result.outcome is not Outcome.SENT:
                if taken and result.is_surely_not_taken:
                    error = f"took {taken} of {len(pdus)} segments, then: {result.error}"
                    return replace(result, outcome=Outcome.UNKNOWN, error=error)
                break
        return result

    async def _submit(
        self,
        session: Session,
        fields: Mapping[str, Any],
        reference: str | None,
        must_follow: bool,
    ) -> Result:
        """One PDU. What must follow something that was taken waits while we are too fast."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._settings.timeout_s
        while True:
            try:
                answer = await session.submit(fields, reference)
            except NotLeftError as exc:
                return self._result(Outcome.WAY_CLOSED, str(exc))
            except NoAnswerError as exc:
                return self._result(Outcome.UNKNOWN, str(exc), is_failure=True)
            if not (must_follow and answer.status in THROTTLED and clock() < until):
                return self._judged(answer)
            await asyncio.sleep(THROTTLED_PAUSE_S)

    def _judged(self, answer: Answer) -> Result:
        status = answer.status
        if not status:
            message_id = identifier(answer.message_id)
            return Result(outcome=Outcome.SENT, provider=self.name, provider_message_id=message_id)
        return self._result(
            outcome_of_status(status),
            f"answered {status_name(status)}",
            response={"command_status": status},
            is_too_fast=status in THROTTLED,
            is_about_address=status in BAD_NUMBER,
        )

    def _result(self, outcome: Outcome, error: str, **more: Any) -> Result:
        return Result(outcome=outcome, provider=self.name, error=f"{self.name} {error}", **more)

    # --- the bind

    async def _bound(self) -> Session:
        """The session that stands, or a new one. Raises NotLeftError."""
        async with self._binding:
            if self._session is None or self._session.closed.is_set():
                session = Session(self._account, self._on_delivered, self._on_late)
                await session.bind()
                self._session = session
                log.info("smpp_bound", host=self._account.host)
            return self._session

    async def _start_listening(self) -> None:
        self._start(self._keep_bound())

    async def _keep_bound(self) -> None:
        failures = 0
        while self._is_listening:
            try:
                session = await self._bound()
            except NotLeftError as exc:
                failures += 1
                level = log.error if isinstance(exc, BindRefusedError) else log.warning
                level("smpp_not_bound", reason=str(exc), failures=failures)
                now = utc_now()
                again = next_attempt(failures, now, first=FIRST_PAUSE, cap=LONGEST_PAUSE, least=0.5)
                await asyncio.sleep((again - now).total_seconds())
                continue
            failures = 0
            await session.closed.wait()

    async def _unbind(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.unbind()

    # --- what the SMSC reports

    def _on_delivered(self, pdu: Any, reply: Callable[[int], None]) -> None:
        receipt = receipt_of(pdu)
        if receipt is None:
            log.info("smpp_message_ignored")  # a person's answer: nobody reads those
            reply(consts.SMPP_ESME_ROK)
        elif self._take is not None:
            self._start(self._report(receipt, reply))
        else:
            reply(consts.SMPP_ESME_RX_T_APPN)

    def _on_late(self, reference: str, message_id: str) -> None:
        """The outcome that was not known is known: the SMSC has the message."""
        if self._take is not None:
            receipt = Receipt(provider_message_id=message_id, reference=reference, delivered=None)
            self._start(self._report(receipt, lambda _status: None))

    async def _report(self, receipt: Receipt, reply: Callable[[int], None]) -> None:
        """Answered when it is on record; the SMSC repeats what cannot be taken now."""
        loop = asyncio.get_running_loop()
        until = loop.time() + EARLY_FOR_S
        while True:
            async with self._taking:
                is_taken = await loop.run_in_executor(None, self._taken, receipt)
            if is_taken or loop.time() > until:
                break
            await asyncio.sleep(EARLY_PAUSE_S)
        reply(consts.SMPP_ESME_ROK if is_taken else consts.SMPP_ESME_RX_T_APPN)

    def _taken(self, receipt: Receipt) -> bool:
        assert self._take is not None
        try:
            return self._take(self.name, [receipt])
        except SQLAlchemyError as exc:
            log.warning("smpp_receipt_not_taken", reason=type(exc).__name__)
            return False

    def _start(self, act: Any) -> None:
        task = asyncio.get_running_loop().create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def outcome_of_status(status: int) -> Outcome:
    """What another status than 0 means: the SMSC has surely not taken the message. Pure."""
    if status in THROTTLED or status in OUR_TROUBLE:
        return Outcome.WAY_CLOSED
    if status in BAD_NUMBER or status in BAD_MESSAGE:
        return Outcome.REFUSED_FOR_GOOD
    return Outcome.REFUSED_FOR_NOW


def combine(results: Sequence[Result]) -> Result:
    """What came of all numbers of a message together. Pure."""
    first = results[0]
    if len(results) == 1:
        return first
    unknown = next((one for one in results if one.outcome is Outcome.UNKNOWN), None)
    if unknown is not None:
        return unknown
    parts = tuple(
        Part(place, one.provider_message_id, one.outcome is not Outcome.SENT, one.error)
        for place, one in enumerate(results)
    )
    refused = [one for one in results if one.outcome is not Outcome.SENT]
    if not refused:
        return replace(first, parts=parts)
    if len(refused) < len(results):
        return replace(
            refused[0],
            outcome=Outcome.REFUSED_FOR_GOOD,
            error=f"{refused[0].error} ({len(refused)} of {len(results)} numbers)",
            taken_in_part=True,
            parts=parts,
        )
    hopeful = [one for one in refused if one.outcome is not Outcome.REFUSED_FOR_GOOD]
    if not hopeful:
        return replace(first, parts=parts)
    is_closed = all(one.closes_way for one in refused)
    return replace(hopeful[0], outcome=hopeful[0].outcome if is_closed else Outcome.REFUSED_FOR_NOW)


def _source(settings: SmsSettings) -> dict[str, Any]:
    try:
        return source_of(settings.sender_id)
    except ValueError as exc:
        raise SettingError(f"{settings.variable('sender_id')} cannot be used: {exc}") from None


def _account(settings: SmsSettings) -> Account:
    for name, most in (("username", MOST_USERNAME_CHARS), ("password", MOST_PASSWORD_CHARS)):
        text = getattr(settings, name)
        if len(text) > most or not text.isascii():
            variable = settings.variable(name)
            raise SettingError(f"{variable} is longer than SMPP's {most} ASCII characters")
    return Account(
        host=settings.host,
        port=settings.port,
        system_id=settings.username,
        password=settings.password,
        system_type=settings.system_type,
        tls=verified_tls() if settings.use_tls else None,
        timeout_s=settings.timeout_s,
        enquire_s=settings.enquire_link_s,
    )
