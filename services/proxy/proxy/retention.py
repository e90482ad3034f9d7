"""What is kept for how long: transactions and whole answers as long as their channel says,
rejections by number, differences from another hub's answers by number and age, keys for a day.

Who made a call in the tester is known as long as the call. Of signing in only what still counts:
recent failures, sessions whose tokens have not ended.
"""

from datetime import datetime, timedelta
from typing import cast

from common.clock import utc_now
from common.db.database import Database
from common.db.file_size import give_back
from common.db.partitions import drop_months, keep_months_ahead, partitioned
from common.db.purging import remove
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import Table, select

from proxy.access import login_attempts, open_sessions
from proxy.config import Settings
from proxy.models import (
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
    UsualPlace,
)
from proxy.record.idempotency import KEPT_FOR
from proxy.record.removal import keeping, remove_calls
from proxy.statistics.stored import ALL, DAY

log = get_logger(__name__)

#: Whole answers removed in one transaction: they are large.
RESPONSES_BATCH = 25
#: The same of tasks, which take up to 100,000 rows with them.
TASKS_BATCH = 1


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    now = utc_now()
    keep_months_ahead(database.engine, partitioned(Base.metadata), now)
    kept = keeping(database, settings.transaction_retention_days)
    oldest = now - timedelta(days=kept.longest())
    removed = {
        **remove_calls(database, kept, now),
        "former_records": remove(
            database,
            FormerRecord,
            FormerRecord.kind == "transaction",
            FormerRecord.record_id < lowest_id_at(oldest),
        ),
        "rerun_tasks": _remove_tasks(database, oldest),
        "call_grants": remove(database, CallGrant, CallGrant.expires_at < oldest),
        "hourly_rollups": sum(
            remove(database, one.hourly, one.hourly.hour < oldest) for one in ALL
        ),
        "daily_rollups": sum(
            remove(database, one.daily, one.daily.day < oldest - DAY) for one in ALL
        ),
        "stored_responses": remove(
            database, StoredResponse, StoredResponse.expires_at <= now, batch=RESPONSES_BATCH
        ),
        "alerts": remove(database, Alert, Alert.ended_at < oldest)
        + remove(database, AlertMessage, AlertMessage.created_at < oldest),
        "maintenance_windows": remove(
            database, MaintenanceWindow, MaintenanceWindow.ends_at < oldest
        ),
        "rejections": _remove_beyond(database, Rejection, settings.rejections_kept),
        "shadow_differences": remove(
            database, ShadowDifference, ShadowDifference.correlation_id < lowest_id_at(oldest)
        )
        + _remove_beyond(database, ShadowDifference, settings.shadow_differences_kept),
        "idempotency_keys": remove(
            database, IdempotencyKey, IdempotencyKey.created_at < now - KEPT_FOR
        ),
        "login_attempts": remove(
            database, LoginAttempt, LoginAttempt.attempted_at < now - login_attempts.WINDOW
        ),
        "usual_places": remove(
            database, UsualPlace, UsualPlace.last_at < now - login_attempts.USUAL_FOR
        ),
        "ended_sessions": remove(
            database, EndedSession, EndedSession.ended_at < now - open_sessions.LONGEST
        ),
        "open_sessions": remove(
            database, OpenSession, OpenSession.began_at < now - open_sessions.LONGEST
        ),
        "password_resets": remove(database, PasswordReset, PasswordReset.expires_at < now),
    }
    give_back(database)
    log.info("purged", **removed)
    return removed


def _remove_tasks(database: Database, oldest: datetime) -> int:
    """Remove old tasks that no worker has to do with."""
    old = RerunTask.id < lowest_id_at(oldest)
    return remove(database, RerunTask, old, ~RerunTask.is_at_work, batch=TASKS_BATCH)


def _remove_beyond(
    database: Database, model: type[Rejection] | type[ShadowDifference], kept: int
) -> int:
    """Remove all but the newest `kept` rows."""
    newest_first = select(model.correlation_id).order_by(model.correlation_id.desc())
    with database.reading() as session:
        edge = session.scalar(newest_first.offset(kept).limit(1))
    if edge is None:
        return 0
    drop_months(database.engine, cast(Table, model.__table__), edge)
    return remove(database, model, model.correlation_id <= edge)
