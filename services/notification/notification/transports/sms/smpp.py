"""`smpp`: an operator's SMSC over SMPP 3.4, bound as a transceiver. Source: SMPP 3.4, issue 1.2.

A window of submits is under way at once. What was submitted and not answered is not known: it is
never submitted again by itself.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.http.endpoint import verified_tls
from common.logs import get_logger
from common.loop_thread import LoopThread
from common.settings import SettingError
from msgspec.structs import replace

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import identifier
from notification.transports.sms.settings import SmsSettings
from notification.transports.sms.smpp_bind import Bind, TakeReceipts
from notification.transports.sms.smpp_session import (
    Account,
    Answer,
    NoAnswerError,
    NotLeftError,
    Session,
    status_name,
)
from notification.transports.sms.smpp_statuses import (
    BAD_NUMBER,
    THROTTLED,
    combine,
    outcome_of_status,
)
from notification.transports.sms.smpp_text import source_of, submits

log = get_logger(__name__)

#: What SMPP 3.4 has room for.
MOST_USERNAME_CHARS, MOST_PASSWORD_CHARS = 15, 8
#: Between two tries of a segment that must follow those that were taken.
THROTTLED_PAUSE_S = 0.5


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
        self._bind = self._new_bind()
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
        closing = next((one for one in this.results if one and one.closes_transport), None)
        held_back = closing or self._result(Outcome.TRANSPORT_CLOSED, "takes nothing now")
        return [one or replace(held_back, response=None) for one in this.results]

    def ask(self, message: Message) -> Result | None:
        """A message without an id cannot be asked about."""
        return None

    def listen(self) -> None:
        """Stay bound from now on, so that receipts come whether messages leave or not."""
        if not self._bind.is_kept:
            self._loop.run(self._bind.keep())

    def close(self) -> None:
        """Unbind."""
        self._bind.is_kept = False
        self._loop.run(self._bind.end())
        self._loop.close()
        self._bind = self._new_bind()  # the old one was the ended loop's

    def _new_bind(self) -> Bind:
        return Bind(self.name, self._account, self._take)

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
            session = await self._bind.session()
        except NotLeftError as exc:
            while this.queue:
                index = this.queue.popleft().index
                this.results[index] = self._result(Outcome.TRANSPORT_CLOSED, str(exc))
            return
        senders = min(self._settings.concurrency, len(this.queue))
        await asyncio.gather(*(self._send_some(session, this) for _ in range(senders)))
        if not self._bind.is_kept:
            await self._bind.end()

    async def _send_some(self, session: Session, this: _Round) -> None:
        """One message after the other, until the SMSC wants no more or falls silent."""
        while this.queue:
            letter = this.queue.popleft()
            result = await self._send_one(session, letter)
            this.results[letter.index] = result
            if result.closes_transport or result.is_failure:
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
        result = self._result(Outcome.TRANSPORT_CLOSED, "got nothing to send")
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
                return self._result(Outcome.TRANSPORT_CLOSED, str(exc))
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
