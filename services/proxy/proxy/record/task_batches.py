"""What a worker does with a claimed rerun task, batch by batch: find its calls, make them again,
see how they ended.

Each batch is one transaction that begins with the claim: whoever lost it changes nothing, and a
worker that is killed in between leaves every call either made once or waiting.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from common.clock import utc_now
from common.db.database import Database
from common.errors import NotFound
from common.jobs.leases import ClaimLost, held
from sqlalchemy import Select, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable
from proxy.gateway.routing_table import RoutingTable
from proxy.models import (
    FINAL_STATUSES,
    RerunState,
    RerunTask,
    RerunTaskCall,
    TaskStatus,
    Transaction,
    TransactionStatus,
)
from proxy.record.final_status import is_outcome_unknown
from proxy.record.rerun_many import BATCH
from proxy.record.rerun_tasks import MOST_CALLS
from proxy.record.reruns import REPEATED, repeated_of, rerun
from proxy.record.sealing import Sealer
from proxy.record.search import newest
from proxy.record.transactions import TransactionFilter

#: Calls of a filter that are taken in at once.
FOUND_AT_ONCE = 500
#: Ends of calls that are noted at once.
ENDS_AT_ONCE = 500


@dataclass(frozen=True)
class TaskClaim:
    """A task in this worker's hands."""

    task_id: uuid.UUID
    token: uuid.UUID


@dataclass(frozen=True)
class Batch:
    """What one batch came to: calls made, whether anything changed, whether the task is over."""

    made: int
    has_changed: bool
    is_over: bool


def next_batch(database: Database, sealer: Sealer, table: RoutingTable, claim: TaskClaim) -> Batch:
    """Do what is to be done now. Raises ClaimLost."""
    with database.reading() as session:
        task = _held(session, claim)
        if not _has_news(session, task):
            return Batch(0, has_changed=False, is_over=False)
        found = _found(session, task) if task.status is TaskStatus.RUNNING else None
    with database.writing() as session:
        task = _held(session, claim, for_update=True)
        _note_ends(session, task)
        made = 0
        if task.status is TaskStatus.RUNNING:
            if found is not None:
                _take_in(session, task, found)
            made = _make(session, sealer, table, task)
        return Batch(made, has_changed=True, is_over=_is_over(task))


def give_back(database: Database, claim: TaskClaim) -> None:
    """Let another worker take the task at once."""
    with database.writing() as session:
        session.execute(
            update(RerunTask)
            .where(RerunTask.id == claim.task_id, held(RerunTask, claim.token))
            .values(lease_until=None, lease_token=None)
        )


def _held(session: Session, claim: TaskClaim, *, for_update: bool = False) -> RerunTask:
    query = select(RerunTask).where(RerunTask.id == claim.task_id, held(RerunTask, claim.token))
    task = session.scalar(query.with_for_update() if for_update else query)
    if task is None:
        raise ClaimLost
    return task


def _has_news(session: Session, task: RerunTask) -> bool:
    """Whether a batch would change anything."""
    is_running = task.status is TaskStatus.RUNNING
    may_make = task.waiting > 0 and task.in_hand < task.batch_size
    if task.in_hand == 0 or (is_running and (task.cursor is not None or may_make)):
        return True
    return bool(session.scalar(select(exists(_ended(task).limit(1).subquery()))))


def _ended(task: RerunTask) -> Select[uuid.UUID, TransactionStatus, str | None]:
    """Calls in hand whose repetition has ended, or is on record no more."""
    return (
        select(RerunTaskCall.correlation_id, Transaction.status, Transaction.error_message)
        .outerjoin(Transaction, Transaction.correlation_id == RerunTaskCall.repeat_id)
        .where(
            RerunTaskCall.task_id == task.id,
            RerunTaskCall.state == RerunState.IN_HAND,
            or_(Transaction.status.is_(None), Transaction.status.in_(FINAL_STATUSES)),
        )
    )


def end_state(status: TransactionStatus | None, error_message: str | None) -> RerunState:
    """How a repetition has ended; None: it is on record no more. Pure."""
    if status is None:
        return RerunState.UNKNOWN
    if status is not TransactionStatus.FAILED:
        return RerunState.DONE
    return RerunState.UNKNOWN if is_outcome_unknown(error_message) else RerunState.FAILED


def _note_ends(session: Session, task: RerunTask) -> None:
    ended: dict[RerunState, list[uuid.UUID]] = {}
    for call_id, status, error_message in session.execute(_ended(task).limit(ENDS_AT_ONCE)):
        ended.setdefault(end_state(status, error_message), []).append(call_id)
    for state, ids in ended.items():
        session.execute(
            update(RerunTaskCall)
            .where(RerunTaskCall.task_id == task.id, RerunTaskCall.correlation_id.in_(ids))
            .values(state=state)
        )
        _count(task, RerunState.IN_HAND, state, len(ids))


def _count(task: RerunTask, before: RerunState | None, after: RerunState, number: int) -> None:
    """`number` calls go from one state to another; None: they were not in before."""
    if before is not None:
        setattr(task, before.value, getattr(task, before.value) - number)
    setattr(task, after.value, getattr(task, after.value) + number)


@dataclass(frozen=True)
class _Found:
    """Originals that meet a task's filter, those that were repeated, how far it was read."""

    originals: Sequence[uuid.UUID]
    repeated: set[uuid.UUID]
    cursor: uuid.UUID | None


def _found(session: Session, task: RerunTask) -> _Found | None:
    """The next calls of the filter; None where all are in."""
    if task.cursor is None:
        return None
    wanted = TransactionFilter.of(task.filter or {})
    calls, edge = newest(session, wanted, FOUND_AT_ONCE, task.cursor, budget_s=0.5)
    originals = [call.correlation_id for call in calls if call.parent_id is None]
    repeated = set() if task.include_repeated else repeated_of(session, originals)
    return _Found(originals, repeated, edge if task.total < MOST_CALLS else None)


def _take_in(session: Session, task: RerunTask, found: _Found) -> None:
    rows = [
        {
            "task_id": task.id,
            "correlation_id": one,
            "state": RerunState.LEFT_OUT if one in found.repeated else RerunState.WAITING,
            "reason": REPEATED if one in found.repeated else None,
        }
        for one in found.originals
    ]
    if rows:
        session.execute(insert(RerunTaskCall), rows)
    _count(task, None, RerunState.LEFT_OUT, len(found.repeated))
    _count(task, None, RerunState.WAITING, len(rows) - len(found.repeated))
    task.cursor = found.cursor


def _make(session: Session, sealer: Sealer, table: RoutingTable, task: RerunTask) -> int:
    """Make waiting calls again, the oldest first, as many as may be in hand; returns how many."""
    free = min(task.batch_size - task.in_hand, BATCH)
    if free <= 0 or task.cursor is not None:
        return 0
    waiting = session.scalars(
        select(RerunTaskCall)
        .where(RerunTaskCall.task_id == task.id, RerunTaskCall.state == RerunState.WAITING)
        .order_by(RerunTaskCall.correlation_id)
        .limit(free)
    ).all()
    only_once = not task.include_repeated
    for call in waiting:
        try:
            made = rerun(session, sealer, table, call.correlation_id, only_once=only_once)
            call.state, call.repeat_id = RerunState.IN_HAND, made.correlation_id
        except (NotRepeatable, NotFound) as exc:
            call.state, call.reason = RerunState.LEFT_OUT, str(exc)
        _count(task, RerunState.WAITING, call.state, 1)
    return sum(call.state is RerunState.IN_HAND for call in waiting)


def _is_over(task: RerunTask) -> bool:
    """Whether there is nothing more to do for now; the task is then in nobody's hands."""
    if task.in_hand:
        return False
    if task.status is TaskStatus.RUNNING:
        if task.waiting or task.cursor is not None:
            return False
        task.status = TaskStatus.COMPLETED
    if task.status is not TaskStatus.PAUSED:
        task.finished_at = utc_now()
    task.is_at_work, task.lease_until, task.lease_token = False, None, None
    return True
