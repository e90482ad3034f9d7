"""What a killed worker left in hand: begun messages are UNKNOWN, the others wait again."""

import uuid
from collections.abc import Collection
from datetime import datetime

from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from common.texts import N_
from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxMessage
from notification.outbox.claiming import UNCLAIMED

log = get_logger(__name__)

INTERRUPTED = N_("Interrupted while sending; whether it left is not known")
#: Messages settled in one transaction.
BATCH = 500


def settle_abandoned(database: Database) -> int:
    """Settle what is under leases that ran out; returns how many messages that were."""
    total = 0
    while True:
        with database.writing() as session:
            settled = _settle(session, utc_now())
        total += settled
        if settled < BATCH:
            return total


def _settle(session: Session, now: datetime) -> int:
    message, entry = OutboxMessage, DeliveryLog
    abandoned = session.execute(
        select(message.id, entry.outbox_id)
        .outerjoin(
            entry, and_(entry.outbox_id == message.id, entry.status == AttemptStatus.STARTED)
        )
        .where(message.status == MessageStatus.SENDING, message.lease_until < now)
        .limit(BATCH)
        .with_for_update(of=message, skip_locked=True)
    ).all()
    begun = [message_id for message_id, entry_of in abandoned if entry_of is not None]
    waiting = [message_id for message_id, entry_of in abandoned if entry_of is None]
    if abandoned:
        _call_unknown(session, begun, now)
        _queue_again(session, waiting)
        log.warning("abandoned_messages_settled", unknown=len(begun), queued=len(waiting))
    return len(abandoned)


def _call_unknown(session: Session, begun: Collection[uuid.UUID], now: datetime) -> None:
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(begun))
        .values(
            status=MessageStatus.UNKNOWN,
            last_error=INTERRUPTED,
            provider=None,
            next_attempt_at=now,
            lease_token=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DeliveryLog)
        .where(DeliveryLog.outbox_id.in_(begun), DeliveryLog.status == AttemptStatus.STARTED)
        .values(status=AttemptStatus.UNKNOWN, error_message=INTERRUPTED, ended_at=now)
        .execution_options(synchronize_session=False)
    )


def _queue_again(session: Session, waiting: Collection[uuid.UUID]) -> None:
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(waiting))
        .values(UNCLAIMED)
        .execution_options(synchronize_session=False)
    )
