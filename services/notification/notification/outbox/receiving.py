"""Delivery receipts: a message only moves forward; repeated and late ones change nothing."""

import enum
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.clock import utc_now
from common.logs import get_logger
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxMessage
from notification.outbox.ledger import ESCALATION, escalate
from notification.outbox.outcomes import CRITICAL
from notification.transports.receipts import Receipt

log = get_logger(__name__)

#: Attempts that a receipt can be about.
_OPEN = (AttemptStatus.SENT, AttemptStatus.UNKNOWN)
_ENTRY = {
    MessageStatus.SENT: AttemptStatus.SENT,
    MessageStatus.DELIVERED: AttemptStatus.DELIVERED,
    MessageStatus.FAILED: AttemptStatus.FAILED_FINAL,
}


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
    session: Session, provider: str, receipts: Sequence[Receipt]
) -> Counter[Effect]:
    """Move the messages that `provider` reports about; returns how many receipts did what."""
    # Asked first: a message whose sending ends meanwhile is then found by its id after all.
    is_sending = session.scalar(
        select(exists().where(OutboxMessage.status == MessageStatus.SENDING))
    )
    known = _Known(session, provider, receipts)
    effects: Counter[Effect] = Counter()
    for receipt in receipts:
        row = known.find(receipt)
        if row is None:
            effects[Effect.EARLY if is_sending else Effect.FOREIGN] += 1
        else:
            effects[_receive(session, row, known.attempt(row, receipt), receipt)] += 1
    log.info("receipts_taken", provider=provider, **{str(key): n for key, n in effects.items()})
    return effects


class _Known:
    """The messages that receipts are about, locked, with their attempts."""

    def __init__(self, session: Session, provider: str, receipts: Sequence[Receipt]) -> None:
        message, entry = OutboxMessage, DeliveryLog
        ids = {one.provider_message_id for one in receipts if one.provider_message_id}
        references = {one.reference for one in receipts if one.reference}
        named = select(entry.outbox_id).where(
            entry.provider == provider, entry.provider_message_id.in_(ids)
        )
        is_theirs = or_(message.provider == provider, message.provider.is_(None))
        referred = and_(is_theirs, message.idempotency_key.in_(references))
        rows = session.scalars(
            select(message)
            .where(or_(message.id.in_(named), referred))
            .order_by(message.id)
            .with_for_update()
        ).all()
        self._by_reference = {row.idempotency_key: row for row in rows}
        self._by_id: dict[str | None, OutboxMessage] = {}
        self._attempts: dict[UUID, list[DeliveryLog]] = defaultdict(list)
        by_message = {row.id: row for row in rows}
        entries = select(entry).where(entry.outbox_id.in_(by_message)).order_by(entry.attempt_no)
        for one in session.scalars(entries):
            self._attempts[one.outbox_id].append(one)
            if one.provider == provider and one.provider_message_id is not None:
                self._by_id[one.provider_message_id] = by_message[one.outbox_id]

    def find(self, receipt: Receipt) -> OutboxMessage | None:
        """The message of a receipt."""
        by_id = self._by_id.get(receipt.provider_message_id)
        return by_id or self._by_reference.get(receipt.reference or "")

    def attempt(self, row: OutboxMessage, receipt: Receipt) -> DeliveryLog | None:
        """The attempt it is about; None when that was an earlier one, or is settled."""
        attempts = self._attempts[row.id]
        last = next((one for one in reversed(attempts) if one.status in _OPEN), None)
        given = receipt.provider_message_id
        earlier = {one.provider_message_id for one in attempts if one is not last}
        return None if given is not None and given in earlier else last


def _receive(
    session: Session, row: OutboxMessage, attempt: DeliveryLog | None, receipt: Receipt
) -> Effect:
    if row.status is MessageStatus.SENDING:
        return Effect.EARLY
    status = forward(row.status, receipt.delivered)
    if attempt is None or status is None:
        return Effect.UNCHANGED
    _move(row, attempt, status, receipt, utc_now())
    if status is MessageStatus.FAILED and row.priority == CRITICAL:
        attempt.response_payload = {**(attempt.response_payload or {}), **ESCALATION}
        escalate(session, row, row.last_error)
    return Effect.MOVED


def _move(
    row: OutboxMessage,
    attempt: DeliveryLog,
    status: MessageStatus,
    receipt: Receipt,
    now: datetime,
) -> None:
    row.status, row.is_final = status, status is not MessageStatus.SENT
    row.lease_token = row.lease_until = None
    row.sent_at = row.sent_at or now
    row.delivered_at = now if status is MessageStatus.DELIVERED else None
    row.last_error = receipt.reason if status is MessageStatus.FAILED else None
    said = {**(attempt.response_payload or {}), "receipt": receipt.reason}
    if attempt.status is AttemptStatus.UNKNOWN:
        said["was_in_doubt"] = attempt.error_message
    attempt.response_payload = said
    attempt.status, attempt.error_message = _ENTRY[status], row.last_error
    attempt.provider_message_id = attempt.provider_message_id or receipt.provider_message_id
