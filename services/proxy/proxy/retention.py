"""What is kept for how long: transactions by age, refusals by number, keys for a day."""

from datetime import timedelta

from common.clock import utc_now
from common.database import Database
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import delete, select

from proxy.config import Settings
from proxy.gateway.idempotency import KEPT_FOR
from proxy.models import FINAL_STATUSES, IdempotencyKey, Rejection, StoredRequest, Transaction

log = get_logger(__name__)

#: Rows removed in one transaction: a purge must not hold up the calls' own commits.
BATCH = 1_000


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    removed = {
        "transactions": _purge_transactions(
            database, timedelta(days=settings.transaction_retention_days)
        ),
        "rejections": _purge_rejections(database, settings.rejections_kept),
        "idempotency_keys": _purge_keys(database),
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


def _purge_keys(database: Database) -> int:
    with database.writing() as session:
        gone = session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.created_at < utc_now() - KEPT_FOR)
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]
