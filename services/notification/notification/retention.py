"""What is kept for how long: that something was sent is kept, to whom and in which words is not."""

from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database
from common.db.file_size import give_back
from common.db.purging import in_batches, remove
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import String, cast, exists, literal, or_, select, update
from sqlalchemy.orm import Session

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

#: Files removed in one transaction: they are large.
FILES_BATCH = 25
#: A broker does not deliver an event again after such a time.
EVENTS_KEPT = timedelta(days=30)


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Forget what has outlived its time; returns how many rows of each kind."""
    oldest = utc_now() - timedelta(days=settings.retention_days)
    removed = {
        "messages": _forget_messages(database, oldest),
        "files": remove(
            database,
            StoredAttachment,
            StoredAttachment.created_at < oldest,
            ~exists().where(OutboxMessage.attachment_set == StoredAttachment.set_id),
            batch=FILES_BATCH,
        ),
        "inbox": remove(database, InAppMessage, InAppMessage.id < lowest_id_at(oldest)),
        "keys": remove(database, EmissionKey, EmissionKey.created_at < oldest),
        "addresses": remove(database, AddressFailure, AddressFailure.last_at < oldest),
        "windows": remove(
            database, DigestWindow, DigestWindow.ends_at < oldest, DigestWindow.held == 0
        ),
        "campaigns": forget_lists(database, oldest),
        "events": remove(database, SeenEvent, SeenEvent.consumed_at < utc_now() - EVENTS_KEPT),
    }
    give_back(database)
    log.info("purged", **removed)
    return removed


def _forget_messages(database: Database, oldest: datetime) -> int:
    """Take words, addresses and names out of messages that have ended; the rows stay, to count."""
    message = OutboxMessage
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

    def step(session: Session, limit: int) -> int:
        ids = session.scalars(old.limit(limit)).all()
        session.execute(
            update(message)
            .where(message.id.in_(ids))
            .values(forgotten)
            .execution_options(synchronize_session=False)
        )
        return len(ids)

    return in_batches(database, step)
