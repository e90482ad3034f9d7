"""What is kept for how long: transactions by age, refusals by number, keys for a day.

Who made a call in the tester is known as long as the call. Of signing in only what still counts:
recent failures, sessions whose tokens have not ended.
"""

from datetime import datetime, timedelta

from common.clock import utc_now
from common.database import Database
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute

from proxy.config import Settings
from proxy.console import login_attempts, sessions
from proxy.gateway.idempotency import KEPT_FOR
from proxy.models import (
    FINAL_STATUSES,
    CallGrant,
    EndedSession,
    HourlyTally,
    IdempotencyKey,
    LoginAttempt,
    Rejection,
    StoredRequest,
    Transaction,
)

log = get_logger(__name__)

#: Rows removed in one transaction: a purge must not hold up the calls' own commits.
BATCH = 1_000


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    age = timedelta(days=settings.transaction_retention_days)
    removed = {
        "transactions": _purge_transactions(database, age),
        "call_grants": _purge_before(database, CallGrant.expires_at, age),
        "hourly_tallies": _purge_before(database, HourlyTally.hour, age),
        "rejections": _purge_rejections(database, settings.rejections_kept),
        "idempotency_keys": _purge_before(database, IdempotencyKey.created_at, KEPT_FOR),
        "login_attempts": _purge_before(database, LoginAttempt.attempted_at, login_attempts.WINDOW),
        "ended_sessions": _purge_before(database, EndedSession.ended_at, sessions.LONGEST),
    }
    log.info("purged", **removed)
    return removed


def _purge_transactions(database: Database, age: timedelta) -> int:
    oldest = lowest_id_at(utc_now() - age)
    total = 0
    while True:
        with database.writing() as session:
            ids = session.scalars(
                select(Transaction.correlation_id)
                .where(Transaction.correlation_id < oldest, Transaction.status.in_(FINAL_STATUSES))
                .order_by(Transaction.correlation_id)
                .limit(BATCH)
            ).all()
            session.execute(delete(StoredRequest).where(StoredRequest.correlation_id.in_(ids)))
            session.execute(delete(Transaction).where(Transaction.correlation_id.in_(ids)))
        total += len(ids)
        if len(ids) < BATCH:
            return total


def _purge_rejections(database: Database, kept: int) -> int:
    with database.writing() as session:
        edge = session.scalar(
            select(Rejection.correlation_id)
            .order_by(Rejection.correlation_id.desc())
            .offset(kept)
            .limit(1)
        )
        if edge is None:
            return 0
        gone = session.execute(delete(Rejection).where(Rejection.correlation_id <= edge))
        return int(gone.rowcount)  # type: ignore[attr-defined]


def _purge_before(
    database: Database, moment: InstrumentedAttribute[datetime], age: timedelta
) -> int:
    """Remove the rows of `moment`'s table that are older than `age`."""
    with database.writing() as session:
        gone = session.execute(delete(moment.class_).where(moment < utc_now() - age))
        return int(gone.rowcount)  # type: ignore[attr-defined]
