"""A run's life: one at a time under a lease, on record, continued by another when its worker dies.

Whoever holds the lease checks and renews it in every transaction that it writes in (`Lease.keep`),
so that a worker that was thought dead cannot write beside its successor.
"""

import uuid
from datetime import date, datetime
from typing import Any

from common.db.database import Database, insert_into
from common.ids import new_id
from sqlalchemy import CursorResult, case, select
from sqlalchemy.orm import Session

from policy_notify.errors import RunInProgress
from policy_notify.models import Run, RunStatus
from policy_notify.runs.lease import Lease
from policy_notify.runs.schedule import checked_day

SCHEDULER = "scheduler"
OPEN = (RunStatus.REQUESTED, RunStatus.RUNNING)


def request_run(session: Session, run_date: date, requested_by: str) -> Run:
    """Ask for a run; a worker takes it. Send a wake-up after the commit. Raises Invalid."""
    run = Run(run_date=checked_day(run_date), requested_by=requested_by, status=RunStatus.REQUESTED)
    session.add(run)
    session.flush()
    return run


def request_slot(database: Database, slot: datetime, run_date: date, now: datetime) -> bool:
    """Ask for the run of a scheduled hour; False when that was done already, by any worker."""
    values = {
        "id": new_id(),
        "slot": slot,
        "run_date": run_date,
        "requested_by": SCHEDULER,
        "status": RunStatus.REQUESTED,
        "created_at": now,
        "continuations": 0,
    }
    with database.reading() as session:
        if session.scalar(select(Run.id).where(Run.slot == slot)):
            return False
    with database.writing() as session:
        statement = insert_into(session, Run).values(values)
        done = session.execute(statement.on_conflict_do_nothing(index_elements=["slot"]))
        assert isinstance(done, CursorResult)
        return bool(done.rowcount)


def begin(database: Database, lease: Lease) -> Run | None:
    """Take the lease and the next run: first one that a dead worker left. None: nothing to do."""
    wanted = select(Run).where(Run.status.in_(OPEN))
    with database.reading() as session:
        if session.scalar(wanted.limit(1)) is None:
            return None
    left_first = case((Run.status == RunStatus.RUNNING, 0), else_=1)
    with database.writing() as session:
        if not lease.take(session):
            return None
        run = session.scalar(wanted.order_by(left_first, Run.id).limit(1))
        if run is None:
            lease.give_back(session)
            return None
        if run.status is RunStatus.RUNNING:
            run.continuations += 1
        run.status, run.started_at = RunStatus.RUNNING, run.started_at or lease.now()
        return run


def begin_by_hand(database: Database, lease: Lease, run_date: date, requested_by: str) -> Run:
    """Take the lease for a new run of the caller's own. Raises RunInProgress, Invalid."""
    with database.writing() as session:
        if not lease.take(session):
            raise RunInProgress
        run = request_run(session, run_date, requested_by)
        run.status, run.started_at = RunStatus.RUNNING, lease.now()
        return run


def end(database: Database, lease: Lease, run_id: uuid.UUID, summary: dict[str, Any]) -> None:
    """Record that a run is over, and let the next one begin. Raises RunLost."""
    with database.writing() as session:
        lease.keep(session)
        run = session.get_one(Run, run_id)
        run.status, run.ended_at, run.summary = RunStatus.ENDED, lease.now(), summary
        session.flush()
        lease.give_back(session)


def summary_of(database: Database, run_id: uuid.UUID) -> dict[str, Any]:
    """What came of a run that has ended."""
    with database.reading() as session:
        return session.get_one(Run, run_id).summary or {}
