"""What is kept for how long: the log, the calls of the bus, the late answers, by age."""

from datetime import datetime, timedelta
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import ColumnElement, delete, select, tuple_

from esb_relay.config import Settings
from esb_relay.models import (
    AsyncAnswer,
    DeliveryStatus,
    Exchange,
    ExchangeStatus,
    InboundEnvelope,
    InboundRequest,
    InboundStatus,
)

log = get_logger(__name__)

#: Rows removed in one transaction: a purge must not hold up the exchanges' own commits.
BATCH = 1_000


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has ended and outlived its time; returns how many rows of each kind."""
    oldest: datetime = utc_now() - timedelta(days=settings.exchange_retention_days)
    removed = {
        "exchanges": _purge(
            database,
            (Exchange.id,),
            Exchange.id < lowest_id_at(oldest),
            Exchange.status != ExchangeStatus.SENDING,
        ),
        "inbound_requests": _purge(
            database,
            (InboundRequest.route, InboundRequest.request_id),
            InboundRequest.received_at < oldest,
            InboundRequest.status == InboundStatus.DONE,
        ),
        "inbound_envelopes": _purge(
            database,
            (InboundEnvelope.digest,),
            InboundEnvelope.received_at
            < utc_now() - timedelta(days=settings.envelope_retention_days),
        ),
        "async_answers": _purge(
            database,
            (AsyncAnswer.id,),
            AsyncAnswer.id < lowest_id_at(oldest),
            AsyncAnswer.status != DeliveryStatus.PENDING,
        ),
    }
    log.info("purged", **removed)
    return removed


def _purge(database: Database, key: tuple[Any, ...], *criteria: ColumnElement[bool]) -> int:
    """Delete the rows that meet all `criteria`, by their `key`, batch by batch."""
    total = 0
    while True:
        with database.writing() as session:
            found = session.execute(select(*key).where(*criteria).limit(BATCH)).all()
            if found:
                ids = [tuple(one) for one in found]
                session.execute(delete(key[0].class_).where(tuple_(*key).in_(ids)))
        total += len(found)
        if len(found) < BATCH:
            return total
