"""Cascades: a person's next channel, when the one before it brought no receipt in time.

Never two at once: a message's turn comes when the one before it has ended, or is stopped in the
same transaction. A receipt stops what has not left yet in its own transaction.
"""

import enum
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from common.texts import N_
from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session, aliased

from notification.models import AttemptStatus, CascadeStep, MessageStatus, OutboxMessage
from notification.outbox.notes import note

log = get_logger(__name__)

#: Steps decided in one transaction, and when one that cannot be is looked at again.
BATCH = 100
LOOK_AGAIN = timedelta(seconds=2)
REACHED = N_("An earlier channel of its cascade reached the person")
NOT_IN_TIME = "brought no receipt in time"
#: What the message before it became for that.
OVERTAKEN = N_("It did not leave in time: the next channel of its cascade is used")

_STEPS = cast(Table, CascadeStep.__table__)
_ARRIVED = (MessageStatus.DELIVERED, MessageStatus.PARTLY_DELIVERED, MessageStatus.DIGESTED)
#: What may still be stopped.
_STOPPABLE = (MessageStatus.WAITING, MessageStatus.QUEUED, MessageStatus.FAILED)


class Verdict(enum.Enum):
    """What becomes of a message whose turn may have come."""

    WAITS = enum.auto()
    COMES = enum.auto()
    NEVER = enum.auto()


@dataclass(frozen=True, slots=True)
class Decided:
    """`why` its turn comes; `until`: when to look again, if it waits."""

    verdict: Verdict
    why: str = ""
    until: datetime | None = None


def decide(before: OutboxMessage, since: datetime, wait: timedelta, now: datetime) -> Decided:
    """What the message before it means for a message that waits. Pure.

    `since`: when the one before it might leave. The time of its quiet hours does not count.
    """
    status = before.status
    if status in _ARRIVED:
        return Decided(Verdict.NEVER, REACHED)
    if status is MessageStatus.CANCELLED or (status is MessageStatus.FAILED and before.is_final):
        return Decided(Verdict.COMES, f"ended {status}")
    if status in (MessageStatus.SENDING, MessageStatus.WAITING):
        return Decided(Verdict.WAITS, until=now + LOOK_AGAIN)
    end = _begin(before, since) + wait
    if now < end:
        return Decided(Verdict.WAITS, until=end)
    return Decided(Verdict.COMES, NOT_IN_TIME)


def _begin(before: OutboxMessage, since: datetime) -> datetime:
    """From when a receipt is waited for."""
    if before.status is MessageStatus.SENT:
        return before.sent_at or since
    waits_by_wish = before.status is MessageStatus.QUEUED and before.last_error is None
    return max(since, before.next_attempt_at) if waits_by_wish else since


def advance(database: Database) -> int:
    """Decide what is to be decided now; returns how many messages' turn has come."""
    total = 0
    while True:
        with database.writing() as session:
            due = _due(session, utc_now())
            come = _advance(session, due, utc_now())
        total += come
        if len(due) < BATCH or not come:
            return total


def _due(session: Session, now: datetime) -> Sequence[CascadeStep]:
    query = select(CascadeStep).where(CascadeStep.look_at <= now).order_by(CascadeStep.look_at)
    return session.scalars(query.limit(BATCH)).all()


def _advance(session: Session, due: Sequence[CascadeStep], now: datetime) -> int:
    lines = _lines(session, {one.cascade_id for one in due})
    return sum(
        _look(session, one, lines[one.cascade_id], now) for one in due if one.cascade_id in lines
    )


def _look(
    session: Session, step: CascadeStep, line: Mapping[int, OutboxMessage], now: datetime
) -> bool:
    """Whether a message's turn has come. Its whole cascade is locked."""
    message, before = line[step.step], line.get(step.step - 1)
    step.look_at = None
    if message.status is not MessageStatus.WAITING:
        return False
    decided = Decided(Verdict.COMES, "is not on record")
    if before is not None:
        decided = decide(before, step.since or now, timedelta(seconds=step.wait_s), now)
    if decided.verdict is Verdict.WAITS:
        step.look_at = decided.until
    elif decided.verdict is Verdict.NEVER:
        _stop(session, [line[place] for place in sorted(line) if place >= step.step], now, REACHED)
    else:
        _let_come(session, before, message, decided.why, now)
        _prepare_next(session, step, now)
    return decided.verdict is Verdict.COMES


def _lines(
    session: Session, cascade_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, Mapping[int, OutboxMessage]]:
    """The messages of cascades by their steps, locked. One that somebody has in hand is left out
    with its cascade: it is looked at again.
    """
    is_theirs = CascadeStep.cascade_id.in_(cascade_ids)
    steps = session.execute(
        select(CascadeStep.cascade_id, CascadeStep.step, CascadeStep.outbox_id).where(is_theirs)
    ).all()
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.id.in_([one.outbox_id for one in steps]))
        .order_by(OutboxMessage.id)
        .with_for_update(skip_locked=True)
    )
    locked = {one.id: one for one in rows}
    in_hand = {one.cascade_id for one in steps if one.outbox_id not in locked}
    lines: dict[uuid.UUID, dict[int, OutboxMessage]] = {}
    for cascade_id, step, outbox_id in steps:
        if cascade_id not in in_hand:
            lines.setdefault(cascade_id, {})[step] = locked[outbox_id]
    return lines


def _let_come(
    session: Session, before: OutboxMessage | None, message: OutboxMessage, why: str, now: datetime
) -> None:
    """Queue a message; the one before it leaves no more."""
    channel = before.channel if before is not None else "channel before it"
    if before is not None and before.status in (MessageStatus.QUEUED, MessageStatus.FAILED):
        if not before.is_final:
            _stop(session, [before], now, OVERTAKEN)
    elif before is not None and before.status is MessageStatus.UNKNOWN:
        before.is_final = True  # held: nothing sends it again by itself
        before.lease_token = before.lease_until = None
    message.status = MessageStatus.QUEUED
    message.next_attempt_at = max(now, message.send_at or now)
    note(session, message, AttemptStatus.CASCADED, f"Its turn has come: {channel} {why}", now)


def _prepare_next(session: Session, step: CascadeStep, now: datetime) -> None:
    session.execute(
        update(_STEPS)
        .where(_STEPS.c.cascade_id == step.cascade_id, _STEPS.c.step == step.step + 1)
        .values(since=now, look_at=now + timedelta(seconds=step.wait_s))
    )


def look_now(session: Session, ended: Collection[uuid.UUID], now: datetime) -> None:
    """Messages have ended without reaching anybody: what waits behind them is looked at now."""
    if not ended:
        return
    before = aliased(CascadeStep)
    behind = (
        select(CascadeStep.outbox_id)
        .join(before, before.cascade_id == CascadeStep.cascade_id)
        .where(before.outbox_id.in_(ended), CascadeStep.step == before.step + 1)
    )
    session.execute(
        update(_STEPS)
        .where(_STEPS.c.outbox_id.in_(behind), _STEPS.c.look_at.is_not(None))
        .values(look_at=now)
    )


def stop_behind(
    session: Session, reached: Collection[uuid.UUID], now: datetime, why: str = REACHED
) -> int:
    """What follows these messages and has not left is CANCELLED; returns how many."""
    if not reached:
        return 0
    before = aliased(CascadeStep)
    behind = (
        select(CascadeStep.outbox_id)
        .join(before, before.cascade_id == CascadeStep.cascade_id)
        .where(before.outbox_id.in_(reached), CascadeStep.step > before.step)
    )
    ids = session.scalars(behind).all()
    if not ids:
        return 0
    rows = select(OutboxMessage).where(OutboxMessage.id.in_(ids)).order_by(OutboxMessage.id)
    return _stop(session, session.scalars(rows.with_for_update()).all(), now, why)


def _stop(session: Session, rows: Sequence[OutboxMessage], now: datetime, why: str) -> int:
    stopped = [one for one in rows if one.status in _STOPPABLE and not one.is_final]
    for row in stopped:
        row.status, row.is_final, row.last_error = MessageStatus.CANCELLED, True, why
        note(session, row, AttemptStatus.CANCELLED, why, now)
    return len(stopped)


@dataclass(frozen=True, slots=True)
class Place:
    """A message of a cascade, as its page and the API show it."""

    step: int
    message: OutboxMessage
    look_at: datetime | None


def cascade_of(session: Session, outbox_id: uuid.UUID) -> list[Place]:
    """All messages of a message's cascade, in their order; none: it is in none."""
    own = select(CascadeStep.cascade_id).where(CascadeStep.outbox_id == outbox_id)
    rows = session.execute(
        select(CascadeStep.step, OutboxMessage, CascadeStep.look_at)
        .join(OutboxMessage, OutboxMessage.id == CascadeStep.outbox_id)
        .where(CascadeStep.cascade_id.in_(own))
        .order_by(CascadeStep.step)
    )
    return [Place(*row) for row in rows]
