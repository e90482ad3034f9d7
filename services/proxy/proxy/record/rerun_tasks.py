"""Rerun tasks: made from a filter or ids, paused, resumed, cancelled. The worker runs them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from common.audit.log import note_act
from common.audit.values import digest
from common.clock import utc_now
from common.ids import new_id
from common.texts import _
from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session

from proxy.errors import TaskHasEnded
from proxy.models import RerunState, RerunTask, RerunTaskCall, TaskStatus
from proxy.record.transactions import TransactionFilter
from proxy.registry.records import locked

USUAL_BATCH_SIZE = 50
MOST_BATCH_SIZE = 500
#: Calls that a task may name; those of a filter end at `MOST_CALLS`.
MOST_IDS = 10_000
MOST_CALLS = 100_000
#: Kinds of reasons that a page shows.
_REASONS_SHOWN = 20
#: Parts of a filter that may tell of a person: the audit log keeps digests.
_TELLING = frozenset({"path", "properties", "q"})


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a task is to do: the calls of `wanted`, or those called `ids`."""

    wanted: TransactionFilter | None = None
    ids: Sequence[uuid.UUID] = ()
    batch_size: int = USUAL_BATCH_SIZE
    include_repeated: bool = False
    is_paused: bool = False


def create_task(
    session: Session, order: Order, made_by: str, made_by_id: uuid.UUID | None = None
) -> RerunTask:
    """A task for the worker, made by a member of staff where there is an id. Send a wake-up after.

    A filter's calls are those that were made before the task: never its own repetitions.
    """
    task_id = new_id()
    document = None if order.wanted is None else order.wanted.document()
    task = RerunTask(
        id=task_id,
        made_by=made_by,
        made_by_id=made_by_id,
        status=TaskStatus.PAUSED if order.is_paused else TaskStatus.RUNNING,
        filter=document,
        batch_size=order.batch_size,
        include_repeated=order.include_repeated,
        cursor=None if document is None else task_id,
        is_at_work=not order.is_paused,
        next_attempt_at=utc_now(),
        attempt_count=0,
        waiting=len(order.ids),
        **dict.fromkeys(("in_hand", "done", "failed", "unknown", "left_out"), 0),
    )
    session.add(task)
    session.flush()
    rows = [
        {"task_id": task_id, "correlation_id": one, "state": RerunState.WAITING}
        for one in order.ids
    ]
    if rows:
        session.execute(insert(RerunTaskCall), rows)
    note_act(session, "task.created", task_id, after=_noted(task))
    return task


def _noted(task: RerunTask) -> dict[str, object]:
    shown = {
        name: digest(value) if name in _TELLING else value
        for name, value in (task.filter or {}).items()
    }
    return {
        "filter": shown,
        "named": task.waiting,
        "batch_size": task.batch_size,
        "include_repeated": task.include_repeated,
    }


def pause_task(session: Session, task_id: uuid.UUID) -> RerunTask:
    """Make no further calls; those in hand end. Raises UnknownRecord, TaskHasEnded."""
    return _move(session, task_id, TaskStatus.PAUSED, "task.paused")


def resume_task(session: Session, task_id: uuid.UUID) -> RerunTask:
    """Go on; send a wake-up after the commit. Raises UnknownRecord, TaskHasEnded."""
    return _move(session, task_id, TaskStatus.RUNNING, "task.resumed")


def cancel_task(session: Session, task_id: uuid.UUID) -> RerunTask:
    """Make no further calls for good; those in hand end. Raises UnknownRecord, TaskHasEnded."""
    return _move(session, task_id, TaskStatus.CANCELLED, "task.cancelled")


def _move(session: Session, task_id: uuid.UUID, to: TaskStatus, act: str) -> RerunTask:
    task = locked(session, RerunTask, task_id)
    if task.status in (TaskStatus.CANCELLED, TaskStatus.COMPLETED):
        raise TaskHasEnded(_("The task is %(status)s", status=_(task.status.value)))
    if task.status is to:
        return task
    before, task.status = task.status, to
    if not task.is_at_work:
        task.is_at_work, task.next_attempt_at = True, utc_now()
    note_act(session, act, task_id, before={"status": before}, after={"status": to})
    return task


def calls_of(task_id: uuid.UUID, state: RerunState | None) -> Select[RerunTaskCall]:
    """The calls of a task, in one state where it is given."""
    query = select(RerunTaskCall).where(RerunTaskCall.task_id == task_id)
    return query if state is None else query.where(RerunTaskCall.state == state)


def reasons_of(session: Session, task_id: uuid.UUID) -> list[tuple[str, int]]:
    """Why calls of a task were left out, and how many for each reason, most first."""
    count = func.count()
    query = (
        select(RerunTaskCall.reason, count)
        .where(RerunTaskCall.task_id == task_id, RerunTaskCall.state == RerunState.LEFT_OUT)
        .group_by(RerunTaskCall.reason)
        .order_by(count.desc())
        .limit(_REASONS_SHOWN)
    )
    return [(reason or "", number) for reason, number in session.execute(query)]
