"""What an operator may do with messages: stop them, or have them sent again."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.audit.log import note_act
from common.clock import utc_now
from common.db.database import Database
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.errors import MessageStatusForbids, UnknownRecord, WordsForgotten
from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxMessage
from notification.outbox.cascades import stop_behind
from notification.outbox.messages import MessageFilter, matching
from notification.outbox.notes import note

_STOPPABLE = (MessageStatus.QUEUED, MessageStatus.FAILED, MessageStatus.WAITING)
_REQUEUED_FROM = (MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.CANCELLED)


def may_be_cancelled(row: OutboxMessage) -> bool:
    """It waits, or it is held as UNKNOWN."""
    is_held = row.status is MessageStatus.UNKNOWN and row.is_final
    return is_held or row.status in _STOPPABLE


def may_be_requeued(row: OutboxMessage) -> bool:
    """It was refused, stopped, or is UNKNOWN."""
    return row.status in _REQUEUED_FROM


def cancel(session: Session, outbox_id: uuid.UUID, by: str, now: datetime) -> OutboxMessage:
    """Stop a message that waits, or that is held as UNKNOWN.

    Raises UnknownRecord, MessageStatusForbids.
    """
    row = _locked(session, outbox_id)
    if not may_be_cancelled(row):
        raise MessageStatusForbids("cancelled", row.status)
    _cancel(session, row, by, now)
    return row


def _cancel(session: Session, row: OutboxMessage, by: str, now: datetime) -> None:
    _note(session, "message.cancelled", row)
    row.status, row.is_final = MessageStatus.CANCELLED, True
    note(session, row, AttemptStatus.CANCELLED, f"Cancelled by {by}", now)
    stop_behind(session, [row.id], now, f"Cancelled by {by}, with the channel before it")


def requeue(session: Session, outbox_id: uuid.UUID, by: str, now: datetime) -> OutboxMessage:
    """Queue a message anew, not before its own `send_at`.

    Raises UnknownRecord, MessageStatusForbids, WordsForgotten.
    """
    row = _locked(session, outbox_id)
    if not may_be_requeued(row):
        raise MessageStatusForbids("requeued", row.status)
    if row.body is None:
        raise WordsForgotten
    _requeue(session, row, by, now)
    return row


def _requeue(session: Session, row: OutboxMessage, by: str, now: datetime) -> None:
    why = f"Requeued by {by}; it was {row.status}"
    note(session, row, AttemptStatus.REQUEUED, why, now)
    _note(session, "message.requeued", row)
    row.status, row.is_final = MessageStatus.QUEUED, False
    row.next_attempt_at = max(now, row.send_at or now)
    row.earlier_entries += row.attempt_count
    row.attempt_count = 0
    # Whoever asks about it at this moment shall not write the answer.
    row.lease_token = row.lease_until = None


#: Messages changed in one transaction, and by one call.
CHUNK, MOST = 500, 10_000


@dataclass(frozen=True, slots=True)
class Changed:
    """What an act on many messages did; `is_complete`: no other message meets the filter.

    `left_out`: messages that the act is for only when it is said so.
    """

    count: int
    is_complete: bool
    left_out: int = 0
    ok: bool = True


def cancel_all(database: Database, wanted: MessageFilter, by: str, now: datetime) -> Changed:
    """Stop the messages of a filter that may be stopped."""
    return _change_all(
        database,
        wanted,
        lambda _session, rows: ([row for row in rows if may_be_cancelled(row)], 0),
        lambda session, row: _cancel(session, row, by, now),
    )


def requeue_all(
    database: Database,
    wanted: MessageFilter,
    by: str,
    now: datetime,
    *,
    include_repeated: bool = False,
) -> Changed:
    """Queue the messages of a filter anew that may be, and whose words are not forgotten.

    Without a status these are FAILED ones: what is UNKNOWN or was stopped is meant by name. Those
    that were requeued before are left out, unless they are wanted, too.
    """
    statuses = (MessageStatus.FAILED,) if wanted.status is None else _REQUEUED_FROM

    def choose(session: Session, rows: Sequence[OutboxMessage]) -> tuple[list[OutboxMessage], int]:
        may_be = [row for row in rows if may_be_requeued(row) and row.body is not None]
        seen = set() if include_repeated else _requeued(session, [row.id for row in may_be])
        chosen = [row for row in may_be if row.status in statuses and row.id not in seen]
        return chosen, len(may_be) - len(chosen)

    return _change_all(
        database, wanted, choose, lambda session, row: _requeue(session, row, by, now)
    )


def _requeued(session: Session, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the messages that an operator had sent again before."""
    query = select(DeliveryLog.outbox_id).where(
        DeliveryLog.outbox_id.in_(ids), DeliveryLog.status == AttemptStatus.REQUEUED
    )
    return set(session.scalars(query)) if ids else set()


Choose = Callable[[Session, Sequence[OutboxMessage]], tuple[list[OutboxMessage], int]]


def _change_all(
    database: Database,
    wanted: MessageFilter,
    choose: Choose,
    act: Callable[[Session, OutboxMessage], None],
) -> Changed:
    """From the oldest on, chunk by chunk: a long list holds up no worker."""
    count, left_out, seen, after = 0, 0, 0, uuid.UUID(int=0)
    while seen < MOST:
        query = matching(wanted, utc_now()).where(OutboxMessage.id > after)
        with database.writing() as session:
            rows = session.scalars(
                query.order_by(OutboxMessage.id).limit(CHUNK).with_for_update()
            ).all()
            chosen, others = choose(session, rows)
            for row in chosen:
                act(session, row)
            count, left_out, seen = count + len(chosen), left_out + others, seen + len(rows)
            after = rows[-1].id if rows else after
        if len(rows) < CHUNK:
            return Changed(count, True, left_out)
    return Changed(count, False, left_out)


def _note(session: Session, act: str, row: OutboxMessage) -> None:
    note_act(session, act, row.id, row.event_code, before={"status": row.status})


def _locked(session: Session, outbox_id: uuid.UUID) -> OutboxMessage:
    row = session.get(OutboxMessage, outbox_id, with_for_update=True)
    if row is None:
        raise UnknownRecord("outbox", outbox_id)
    return row
