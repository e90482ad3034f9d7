"""What is kept for how long: transactions by age, rejections by number, differences from another
hub's answers by both, keys for a day, whole answers as long as their channel says.

Who made a call in the tester is known as long as the call. Of signing in only what still counts:
recent failures, sessions whose tokens have not ended.
"""

import time
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database
from common.db.write_lock import WriteLock
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import ColumnElement, delete, inspect, select, tuple_

from proxy.access import open_sessions
from proxy.config import Settings
from proxy.console import login_attempts
from proxy.models import (
    FINAL_STATUSES,
    Alert,
    AlertMessage,
    Base,
    CallGrant,
    EndedSession,
    FormerRecord,
    IdempotencyKey,
    LoginAttempt,
    MaintenanceWindow,
    OpenSession,
    PasswordReset,
    Rejection,
    RerunTask,
    ShadowDifference,
    StoredResponse,
    Transaction,
    UsualPlace,
)
from proxy.record.idempotency import KEPT_FOR
from proxy.statistics.stored import ALL, DAY

log = get_logger(__name__)

#: Rows removed in one transaction: a purge must not hold up the calls' own commits.
BATCH = 250
#: The same of whole answers, which are large.
RESPONSES_BATCH = 25
#: The same of tasks, which take up to 100,000 rows with them.
TASKS_BATCH = 1
#: Between two batches a purge rests for this many times what the batch took.
RESTS = 3.0


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    now = utc_now()
    oldest = now - timedelta(days=settings.transaction_retention_days)
    old_call = Transaction.correlation_id < lowest_id_at(oldest)
    removed = {
        "transactions": _remove(
            database, Transaction, old_call, Transaction.status.in_(FINAL_STATUSES)
        ),
        "former_records": _remove(
            database,
            FormerRecord,
            FormerRecord.kind == "transaction",
            FormerRecord.record_id < lowest_id_at(oldest),
        ),
        "rerun_tasks": _remove_tasks(database, oldest),
        "call_grants": _remove(database, CallGrant, CallGrant.expires_at < oldest),
        "hourly_rollups": sum(
            _remove(database, one.hourly, one.hourly.hour < oldest) for one in ALL
        ),
        "daily_rollups": sum(
            _remove(database, one.daily, one.daily.day < oldest - DAY) for one in ALL
        ),
        "stored_responses": _remove(
            database, StoredResponse, StoredResponse.expires_at <= now, batch=RESPONSES_BATCH
        ),
        "alerts": _remove(database, Alert, Alert.ended_at < oldest)
        + _remove(database, AlertMessage, AlertMessage.created_at < oldest),
        "maintenance_windows": _remove(
            database, MaintenanceWindow, MaintenanceWindow.ends_at < oldest
        ),
        "rejections": _remove_beyond(database, Rejection, settings.rejections_kept),
        "shadow_differences": _remove(
            database, ShadowDifference, ShadowDifference.correlation_id < lowest_id_at(oldest)
        )
        + _remove_beyond(database, ShadowDifference, settings.shadow_differences_kept),
        "idempotency_keys": _remove(
            database, IdempotencyKey, IdempotencyKey.created_at < now - KEPT_FOR
        ),
        "login_attempts": _remove(
            database, LoginAttempt, LoginAttempt.attempted_at < now - login_attempts.WINDOW
        ),
        "usual_places": _remove(
            database, UsualPlace, UsualPlace.last_at < now - login_attempts.USUAL_FOR
        ),
        "ended_sessions": _remove(
            database, EndedSession, EndedSession.ended_at < now - open_sessions.LONGEST
        ),
        "open_sessions": _remove(
            database, OpenSession, OpenSession.began_at < now - open_sessions.LONGEST
        ),
        "password_resets": _remove(database, PasswordReset, PasswordReset.expires_at < now),
    }
    log.info("purged", **removed)
    return removed


def _remove_tasks(database: Database, oldest: datetime) -> int:
    """Remove old tasks that no worker has to do with."""
    old = RerunTask.id < lowest_id_at(oldest)
    return _remove(database, RerunTask, old, ~RerunTask.is_at_work, batch=TASKS_BATCH)


def _remove_beyond(
    database: Database, model: type[Rejection] | type[ShadowDifference], kept: int
) -> int:
    """Remove all but the newest `kept` rows."""
    newest_first = select(model.correlation_id).order_by(model.correlation_id.desc())
    with database.reading() as session:
        edge = session.scalar(newest_first.offset(kept).limit(1))
    if edge is None:
        return 0
    return _remove(database, model, model.correlation_id <= edge)


def _remove(
    database: Database, model: type[Base], *old: ColumnElement[bool], batch: int = BATCH
) -> int:
    """Remove the rows of `model` that are `old`, in batches with rests; returns how many.

    What belongs to a row goes with it (`ON DELETE CASCADE`).
    """
    keys = inspect(model).primary_key
    some = select(*keys).where(*old).order_by(*keys).limit(batch)
    statement = delete(model).where(tuple_(*keys).in_(some))
    lock, total = WriteLock(database.engine), 0
    while True:
        began = time.perf_counter()
        with lock, database.writing() as session:
            options = {"synchronize_session": False}
            gone = session.execute(statement, execution_options=options)
            count = int(gone.rowcount)  # type: ignore[attr-defined]
        total += count
        if count < batch:
            return total
        time.sleep(RESTS * (time.perf_counter() - began))
