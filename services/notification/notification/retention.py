"""What is kept for how long: that something was sent is kept, to whom and in which words is not."""

from datetime import datetime, timedelta
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    cast,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from notification.campaigns.retention import forget_lists
from notification.config import Settings
from notification.models import (
    AddressFailure,
    DigestWindow,
    EmissionKey,
    InAppMessage,
    MessageStatus,
    OutboxMessage,
    SeenEvent,
    StoredAttachment,
)

log = get_logger(__name__)

#: Rows changed in one transaction: housekeeping must not hold up the sending.
BATCH = 1_000
#: A broker does not deliver an event again after such a time.
EVENTS_KEPT = timedelta(days=30)


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Forget what has outlived its time; returns how many rows of each kind."""
    oldest = utc_now() - timedelta(days=settings.retention_days)
    removed = {
        "messages": _forget_messages(database, oldest),
        "files": _delete_old(
            database,
            StoredAttachment.set_id,
            (StoredAttachment.created_at < oldest)
            & ~exists().where(OutboxMessage.attachment_set == StoredAttachment.set_id),
        ),
        "inbox": _delete_old(database, InAppMessage.id, InAppMessage.id < lowest_id_at(oldest)),
        "keys": _delete_old(database, EmissionKey.key, EmissionKey.created_at < oldest),
        "addresses": _delete_old(database, AddressFailure.id, AddressFailure.last_at < oldest),
        "windows": _delete_old(
            database, DigestWindow.id, and_(DigestWindow.ends_at < oldest, DigestWindow.held == 0)
        ),
        "campaigns": forget_lists(database, oldest),
        "events": _delete_old(
            database, SeenEvent.event_id, SeenEvent.consumed_at < utc_now() - EVENTS_KEPT
        ),
    }
    log.info("purged", **removed)
    return removed


def _forget_messages(database: Database, oldest: datetime) -> int:
    """Take words, addresses and names out of messages that have ended; the rows stay, to count."""
    message, total = OutboxMessage, 0
    old = select(message.id).where(
        message.id < lowest_id_at(oldest),
        message.body.is_not(None),
        or_(message.is_final, message.status == MessageStatus.SENT),
    )
    forgotten = {
        "subject": "",
        "body": None,
        "html": None,
        "attachment_set": None,
        "to_phone": None,
        "to_email": None,
        "recipient_user_id": "",
        "entity_id": None,
        "payload": None,
        # The key names the recipient.
        "idempotency_key": literal("forgotten:").concat(cast(message.id, String)),
    }
    while True:
        with database.writing() as session:
            ids = session.scalars(old.limit(BATCH)).all()
            session.execute(
                update(message)
                .where(message.id.in_(ids))
                .values(forgotten)
                .execution_options(synchronize_session=False)
            )
        total += len(ids)
        if len(ids) < BATCH:
            return total


def _delete_old(
    database: Database, key: InstrumentedAttribute[Any], is_old: ColumnElement[bool]
) -> int:
    """Delete rows that meet `is_old`, by their `key`, batch by batch."""
    total = 0
    while True:
        with database.writing() as session:
            keys = session.scalars(select(key).where(is_old).limit(BATCH)).all()
            session.execute(delete(key.class_).where(key.in_(keys)))
        total += len(keys)
        if len(keys) < BATCH:
            return total
