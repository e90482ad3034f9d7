"""What is kept for how long. That something was told is kept for ever: it must not be told again.

The words of a message and the number it went to are personal: they go after some time.
"""

from datetime import timedelta

from common.clock import utc_now
from common.database import Database
from common.logs import get_logger
from sqlalchemy import delete, select, update

from policy_notify.config import Settings
from policy_notify.models import Delivery, IndicationDetails, SeenEvent

log = get_logger(__name__)

#: Rows changed in one transaction: housekeeping must not hold up a run.
BATCH = 1_000
#: A broker does not deliver an event again after such a time.
EVENTS_KEPT = timedelta(days=30)


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    removed = {
        "messages": _forget_messages(database, timedelta(days=settings.message_retention_days)),
        "events": _forget_events(database),
    }
    log.info("purged", **removed)
    return removed


def _forget_messages(database: Database, age: timedelta) -> int:
    details, total = IndicationDetails, 0
    old = (
        select(details.id)
        .where(
            details.message.is_not(None),
            details.delivery == Delivery.ENDED,
            details.created_at < utc_now() - age,
        )
        .limit(BATCH)
    )
    while True:
        with database.writing() as session:
            ids = session.scalars(old).all()
            session.execute(
                update(details)
                .where(details.id.in_(ids))
                .values(message=None, recipient=None, variables=None)
                .execution_options(synchronize_session=False)
            )
        total += len(ids)
        if len(ids) < BATCH:
            return total


def _forget_events(database: Database) -> int:
    total = 0
    while True:
        with database.writing() as session:
            old = select(SeenEvent.event_id).where(SeenEvent.consumed_at < utc_now() - EVENTS_KEPT)
            ids = session.scalars(old.limit(BATCH)).all()
            session.execute(delete(SeenEvent).where(SeenEvent.event_id.in_(ids)))
        total += len(ids)
        if len(ids) < BATCH:
            return total
