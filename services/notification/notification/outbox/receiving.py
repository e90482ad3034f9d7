"""Delivery receipts: a message only moves forward; repeated and late ones change nothing."""

import enum
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.clock import utc_now
from common.db.database import Database, insert_into
from common.logs import get_logger
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    DeliveryPart,
    MessageStatus,
    OutboxMessage,
    ReceiptWord,
)
from notification.outbox.cascades import look_now, stop_behind
from notification.outbox.costs import Taken, count_taken
from notification.outbox.escalating import ESCALATION, escalate
from notification.outbox.outcomes import CRITICAL
from notification.outbox.parts import chosen_parts, undelivered, whole_of
from notification.outbox.reach import Failed, count_failed, forget_arrived
from notification.transports.receipts import Receipt

log = get_logger(__name__)

#: Attempts that a receipt can be about.
_OPEN = (AttemptStatus.SENT, AttemptStatus.UNKNOWN)
_ENTRY = {
    MessageStatus.SENT: AttemptStatus.SENT,
    MessageStatus.DELIVERED: AttemptStatus.DELIVERED,
    MessageStatus.PARTLY_DELIVERED: AttemptStatus.PARTLY_DELIVERED,
    MessageStatus.FAILED: AttemptStatus.FAILED_FINAL,
}
_STATUS = {attempt: status for status, attempt in _ENTRY.items()}


class Effect(enum.StrEnum):
    """What a receipt did."""

    MOVED = "moved"
    UNCHANGED = "unchanged"  # repeated, late, or no news
    EARLY = "early"  # its message may still be on its way to the provider: it must come again
    FOREIGN = "foreign"  # about no message of ours


def forward(status: MessageStatus, delivered: bool | None) -> MessageStatus | None:
    """Where a report (None: still under way) moves a message; None: nowhere."""
    if status not in (MessageStatus.SENT, MessageStatus.UNKNOWN):
        return None
    if delivered is None:
        return MessageStatus.SENT if status is MessageStatus.UNKNOWN else None
    return MessageStatus.DELIVERED if delivered else MessageStatus.FAILED


def receive_receipts(
    session: Session, provider: str, receipts: Sequence[Receipt], segment_price: int = 0
) -> Counter[Effect]:
    """Move the messages that `provider` reports about; returns how many receipts did what.

    `segment_price`: what the provider asks, for messages that nobody knew to be taken.
    """
    # Asked first: a message whose sending ends meanwhile is then found by its id after all.
    is_sending = session.scalar(
        select(exists().where(OutboxMessage.status == MessageStatus.SENDING))
    )
    known = _Known(session, provider, receipts)
    effects: Counter[Effect] = Counter()
    unknown: dict[UUID, OutboxMessage] = {}
    for receipt in receipts:
        row = known.find(receipt)
        if row is not None and row.sent_at is None and receipt.delivered is not False:
            unknown[row.id] = row
        if row is None:
            effects[Effect.EARLY if is_sending else Effect.FOREIGN] += 1
        else:
            effects[_receive(session, row, known, receipt)] += 1
    found = [_taken(row, provider, segment_price) for row in unknown.values() if row.sent_at]
    count_taken(session, found, utc_now())
    stop_behind(session, known.reached, utc_now())
    look_now(session, known.missed, utc_now())
    count_failed(session, known.failed, utc_now())
    forget_arrived(session, known.arrived)
    _count_words(session, provider, receipts)
    log.info("receipts_taken", provider=provider, **{str(key): n for key, n in effects.items()})
    return effects


@dataclass(frozen=True)
class ReceiptIntake:
    """Takes receipts, whichever way they come; `prices`: of a segment, by provider."""

    database: Database
    prices: Mapping[str, int]

    def take(self, provider: str, receipts: Sequence[Receipt]) -> Counter[Effect]:
        """Move the messages that `provider` reports about, in one transaction."""
        with self.database.writing() as session:
            return receive_receipts(session, provider, receipts, self.prices.get(provider, 0))

    def takes_all(self, provider: str, receipts: Sequence[Receipt]) -> bool:
        """The same; False: one is early, and welcome again."""
        return not self.take(provider, receipts)[Effect.EARLY]


class _Known:
    """The messages that receipts are about, locked, with their attempts."""

    def __init__(self, session: Session, provider: str, receipts: Sequence[Receipt]) -> None:
        message, entry = OutboxMessage, DeliveryLog
        ids = {one.provider_message_id for one in receipts if one.provider_message_id}
        references = {one.reference for one in receipts if one.reference}
        named = select(entry.outbox_id).where(
            entry.provider == provider, entry.provider_message_id.in_(ids)
        )
        part = DeliveryPart
        named_part = select(part.outbox_id).where(
            part.provider == provider, part.provider_message_id.in_(ids)
        )
        is_theirs = or_(message.provider == provider, message.provider.is_(None))
        referred = and_(is_theirs, message.idempotency_key.in_(references))
        rows = session.scalars(
            select(message)
            .where(or_(message.id.in_(named), message.id.in_(named_part), referred))
            .order_by(message.id)
            .with_for_update()
        ).all()
        #: What the receipts say of numbers: it is written last, in one order.
        self.failed: list[Failed] = []
        self.arrived: list[str] = []
        #: Messages that came to an end: at a person, at nobody.
        self.reached: list[UUID] = []
        self.missed: list[UUID] = []
        self._by_reference = {row.idempotency_key: row for row in rows}
        self._by_id: dict[str | None, OutboxMessage] = {}
        self._attempts: dict[UUID, list[DeliveryLog]] = defaultdict(list)
        by_message = {row.id: row for row in rows}
        entries = select(entry).where(entry.outbox_id.in_(by_message)).order_by(entry.attempt_no)
        for one in session.scalars(entries):
            self._attempts[one.outbox_id].append(one)
            if one.provider == provider and one.provider_message_id is not None:
                self._by_id[one.provider_message_id] = by_message[one.outbox_id]
        self._parts: dict[tuple[UUID, int], list[DeliveryPart]] = defaultdict(list)
        several = [row.id for row in rows if "," in (row.to_phone or "")]
        places = select(part).where(part.outbox_id.in_(several)).order_by(part.place)
        for place in session.scalars(places) if several else ():
            self._parts[place.outbox_id, place.attempt_no].append(place)
            if place.provider == provider and place.provider_message_id is not None:
                self._by_id[place.provider_message_id] = by_message[place.outbox_id]

    def find(self, receipt: Receipt) -> OutboxMessage | None:
        """The message of a receipt."""
        by_id = self._by_id.get(receipt.provider_message_id)
        return by_id or self._by_reference.get(receipt.reference or "")

    def attempt(self, row: OutboxMessage, receipt: Receipt) -> DeliveryLog | None:
        """The attempt it is about; None when that was an earlier one, or is settled."""
        attempts = self._attempts[row.id]
        last = next((one for one in reversed(attempts) if self._is_open(one)), None)
        given = receipt.provider_message_id
        earlier = {
            known_as
            for one in attempts
            if one is not last
            for known_as in (
                one.provider_message_id,
                *(part.provider_message_id for part in self.parts(one)),
            )
        }
        return None if given is not None and given in earlier else last

    def parts(self, attempt: DeliveryLog) -> list[DeliveryPart]:
        """The numbers of an attempt that has several."""
        return self._parts.get((attempt.outbox_id, attempt.attempt_no), [])

    def note_reach(self, row: OutboxMessage, numbers: Sequence[str], receipt: Receipt) -> None:
        """What a receipt says of the numbers themselves."""
        real = [one for one in numbers if one]
        if receipt.delivered:
            self.arrived += real
        elif receipt.delivered is False and receipt.is_about_address:
            person = row.recipient_user_id, row.recipient_actor_type
            self.failed += [Failed(person, row.channel, one, receipt.reason) for one in real]

    def note_end(self, row: OutboxMessage) -> None:
        """Where a message has come to its end, or not."""
        if row.status in (MessageStatus.DELIVERED, MessageStatus.PARTLY_DELIVERED):
            self.reached.append(row.id)
        elif row.status is MessageStatus.FAILED:
            self.missed.append(row.id)

    def _is_open(self, attempt: DeliveryLog) -> bool:
        """A report can be about it; it may have failed at some of its numbers already."""
        return attempt.status in _OPEN or any(
            one.status is AttemptStatus.SENT for one in self.parts(attempt)
        )


def _taken(row: OutboxMessage, provider: str, price: int) -> Taken:
    """A message whose outcome nobody knew until its receipt came."""
    segments = (row.sms_segments or 1) * len((row.to_phone or "").split(","))
    return Taken(row.event_code, provider, segments, price)


def _receive(session: Session, row: OutboxMessage, known: _Known, receipt: Receipt) -> Effect:
    if row.status is MessageStatus.SENDING:
        return Effect.EARLY
    attempt = known.attempt(row, receipt)
    if attempt is not None:
        _remember(attempt, receipt)
        if known.parts(attempt):
            return _receive_part(session, row, known, attempt, receipt)
    status = forward(row.status, receipt.delivered)
    if attempt is None or status is None:
        return Effect.UNCHANGED
    _move(row, attempt, status, receipt.reason, utc_now())
    known.note_end(row)
    reached = row.to_email if row.channel is ChannelCode.EMAIL else row.to_phone
    known.note_reach(row, (reached or "").split(","), receipt)
    attempt.provider_message_id = attempt.provider_message_id or receipt.provider_message_id
    _escalate_if_urgent(session, row, attempt)
    return Effect.MOVED


def _receive_part(
    session: Session,
    row: OutboxMessage,
    known: _Known,
    attempt: DeliveryLog,
    receipt: Receipt,
) -> Effect:
    """A report about one of several numbers, or about all of them."""
    parts = known.parts(attempt)
    numbers = (row.to_phone or "").split(",")
    about = chosen_parts(parts, numbers, receipt.provider_message_id, receipt.number)
    moving = [one for one in about if one.status is AttemptStatus.SENT]
    if receipt.delivered is None or not moving:
        return Effect.UNCHANGED
    for one in moving:
        one.status = AttemptStatus.DELIVERED if receipt.delivered else AttemptStatus.FAILED_FINAL
        one.reason = receipt.reason if not receipt.delivered else None
    known.note_reach(row, [numbers[one.place] for one in moving], receipt)
    status, before = _STATUS[whole_of(parts)], row.status
    if status is not MessageStatus.SENT:
        _move(row, attempt, status, undelivered(parts), utc_now())
        known.note_end(row)
    elif before is not MessageStatus.FAILED:
        row.last_error = undelivered(parts)
    if before is not MessageStatus.FAILED:
        _escalate_if_urgent(session, row, attempt)
    return Effect.MOVED


def _escalate_if_urgent(session: Session, row: OutboxMessage, attempt: DeliveryLog) -> None:
    has_failed = row.status in (MessageStatus.FAILED, MessageStatus.PARTLY_DELIVERED)
    if has_failed and row.priority == CRITICAL:
        attempt.response_payload = {**(attempt.response_payload or {}), **ESCALATION}
        escalate(session, row, row.last_error)


def _remember(attempt: DeliveryLog, receipt: Receipt) -> None:
    """Keep the provider's last word, also where it moves nothing."""
    if attempt.status is AttemptStatus.SENT and (receipt.unknown_word or receipt.reason):
        said = {"receipt": receipt.unknown_word or receipt.reason}
        attempt.response_payload = {**(attempt.response_payload or {}), **said}


def _count_words(session: Session, provider: str, receipts: Sequence[Receipt]) -> None:
    """Words that are in no list are counted: somebody adds them."""
    now = utc_now()
    words = Counter(one.unknown_word for one in receipts if one.unknown_word)
    for word, count in sorted(words.items()):
        statement = insert_into(session, ReceiptWord).values(
            provider=provider, word=word, count=count, last_at=now
        )
        more = {"count": ReceiptWord.count + count, "last_at": now}
        session.execute(
            statement.on_conflict_do_update(index_elements=["provider", "word"], set_=more)
        )


def unknown_words(session: Session) -> Sequence[ReceiptWord]:
    """The words of receipts that are in no list, the most frequent first."""
    return session.scalars(select(ReceiptWord).order_by(ReceiptWord.count.desc()).limit(100)).all()


def _move(
    row: OutboxMessage,
    attempt: DeliveryLog,
    status: MessageStatus,
    reason: str | None,
    now: datetime,
) -> None:
    row.status, row.is_final = status, status is not MessageStatus.SENT
    row.lease_token = row.lease_until = None
    row.sent_at = row.sent_at or now
    row.delivered_at = now if status is MessageStatus.DELIVERED else None
    has_failed = status in (MessageStatus.FAILED, MessageStatus.PARTLY_DELIVERED)
    row.last_error = reason if has_failed else None
    said = {**(attempt.response_payload or {}), "receipt": reason}
    if attempt.status is AttemptStatus.UNKNOWN:
        said["was_in_doubt"] = attempt.error_message
    attempt.response_payload = said
    attempt.status, attempt.error_message = _ENTRY[status], row.last_error
