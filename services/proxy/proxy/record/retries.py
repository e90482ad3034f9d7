"""The worker makes failed calls again that are due (see `proxy.record.retry_rows`), few at a time
of each channel: a mediator that comes back is not overrun. Each is a rerun of the original.
"""

import uuid
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database
from common.errors import NotFound
from common.jobs.leases import claim_due
from common.logs import get_logger
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable
from proxy.gateway.routing_table import RoutingTable
from proxy.models import FINAL_STATUSES, Channel, Retry, Transaction
from proxy.record.reruns import rerun
from proxy.record.sealing import Sealer

log = get_logger(__name__)

#: Whoever makes a retry commits at once; a repetition whose end was missed is looked at after this.
LOOK_AGAIN = timedelta(minutes=15)


def make_due_retries(database: Database, sealer: Sealer, table: RoutingTable, at_once: int) -> int:
    """Make due calls again, of each channel so many that `at_once` have not ended; returns how
    many. Send a wake-up afterwards."""
    due = select(Retry.channel_id).where(Retry.next_attempt_at <= utc_now()).distinct()
    with database.glancing() as connection:
        channels = connection.scalars(due).all()
    return sum(_make_of(database, sealer, table, one, at_once) for one in channels)


def _make_of(
    database: Database, sealer: Sealer, table: RoutingTable, channel_id: uuid.UUID, at_once: int
) -> int:
    """Of one channel, whose row is held meanwhile: two workers together do not make too many."""
    now = utc_now()
    of_channel = Retry.channel_id == channel_id
    with database.writing() as session:
        held = select(Channel.id).where(Channel.id == channel_id)
        session.execute(held.with_for_update(key_share=True))
        _look_again(session, of_channel, now)
        count = select(func.count()).select_from(Retry).where(of_channel)
        in_hand = session.scalar(count.where(Retry.repeat_id.is_not(None))) or 0
        due = claim_due(
            session,
            Retry,
            of_channel,
            Retry.repeat_id.is_(None),
            order_by=[Retry.next_attempt_at],
            limit=max(0, at_once - in_hand),
            now=now,
            lease=timedelta(),
        )
        return sum(_make(session, sealer, table, retry, now) for retry in due)


def _look_again(session: Session, of_channel: ColumnElement[bool], now: datetime) -> None:
    """Rows whose repetition takes long, or was ended by somebody who knows of no retries."""
    late = select(Retry).where(of_channel, Retry.repeat_id.is_not(None))
    for retry in session.scalars(late.where(Retry.next_attempt_at <= now)).all():
        repetition = session.get(Transaction, retry.repeat_id)
        if repetition is None or repetition.status in FINAL_STATUSES:
            session.delete(retry)
        else:
            retry.next_attempt_at = now + LOOK_AGAIN
    session.flush()


def _make(
    session: Session, sealer: Sealer, table: RoutingTable, retry: Retry, now: datetime
) -> bool:
    """Make one call again; a row ends that somebody repeated meanwhile, or that cannot be."""
    original, channel = retry.correlation_id, table.channels.get(retry.channel_id)
    if channel is None or channel.retry is None or _repetitions(session, original) != retry.made:
        session.delete(retry)
        return False
    try:
        made = rerun(session, sealer, table, original)
    except (NotRepeatable, NotFound) as exc:
        log.warning("retry_not_made", correlation_id=str(original), reason=str(exc))
        session.delete(retry)
        return False
    retry.repeat_id, retry.made = made.correlation_id, retry.made + 1
    retry.next_attempt_at, retry.lease_until, retry.lease_token = now + LOOK_AGAIN, None, None
    return True


def _repetitions(session: Session, original: uuid.UUID) -> int:
    count = select(func.count()).select_from(Transaction)
    return session.scalar(count.where(Transaction.parent_id == original)) or 0
