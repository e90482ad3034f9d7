"""What an operator may do with a message: stop it, or have it sent again with fresh attempts."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from notification.errors import MessageStatusForbids, UnknownRecord, WordsForgotten
from notification.models import AttemptStatus, MessageStatus, OutboxMessage
from notification.outbox.notes import note

_REQUEUED_FROM = (MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.CANCELLED)


def may_be_cancelled(row: OutboxMessage) -> bool:
    """It waits, or it is held in doubt."""
    is_held = row.status is MessageStatus.UNKNOWN and row.is_final
    return is_held or row.status in (MessageStatus.QUEUED, MessageStatus.FAILED)


def may_be_requeued(row: OutboxMessage) -> bool:
    """It was refused, stopped, or is in doubt."""
    return row.status in _REQUEUED_FROM


def cancel(session: Session, outbox_id: uuid.UUID, by: str, now: datetime) -> OutboxMessage:
    """Stop a message that waits, or that is held in doubt.

    Raises UnknownRecord, MessageStatusForbids.
    """
    row = _locked(session, outbox_id)
    if not may_be_cancelled(row):
        raise MessageStatusForbids("cancelled", row.status)
    row.status, row.is_final = MessageStatus.CANCELLED, True
    note(session, row, AttemptStatus.CANCELLED, f"Cancelled by {by}", now)
    return row


def requeue(session: Session, outbox_id: uuid.UUID, by: str, now: datetime) -> OutboxMessage:
    """Queue a message anew. Raises UnknownRecord, MessageStatusForbids, WordsForgotten."""
    row = _locked(session, outbox_id)
    if not may_be_requeued(row):
        raise MessageStatusForbids("requeued", row.status)
    if row.body is None:
        raise WordsForgotten
    why = f"Requeued by {by}; it was {row.status}"
    note(session, row, AttemptStatus.REQUEUED, why, now)
    row.status, row.is_final, row.next_attempt_at = MessageStatus.QUEUED, False, now
    row.earlier_entries += row.attempt_count
    row.attempt_count = 0
    # Whoever asks about it at this moment shall not write the answer.
    row.lease_token = row.lease_until = None
    return row


def _locked(session: Session, outbox_id: uuid.UUID) -> OutboxMessage:
    row = session.get(OutboxMessage, outbox_id, with_for_update=True)
    if row is None:
        raise UnknownRecord("message")
    return row
