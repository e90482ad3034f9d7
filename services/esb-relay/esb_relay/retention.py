"""What is kept for how long: the log, the calls of the bus, the late answers, by age.

On PostgreSQL exchanges go with their month: some stay up to a month longer, unless they are kept
for less than one.
"""

from datetime import datetime, timedelta
from typing import cast

from common.clock import utc_now
from common.db.database import Database
from common.db.file_size import give_back
from common.db.partitions import drop_months, edge_of_rows, keep_months_ahead, partitioned
from common.db.purging import remove
from common.ids import lowest_id_at
from common.logs import get_logger
from sqlalchemy import Table, select

from esb_relay.config import Settings
from esb_relay.models import (
    AsyncAnswer,
    Base,
    DeliveryStatus,
    Exchange,
    ExchangeStatus,
    InboundEnvelope,
    InboundRequest,
    InboundStatus,
)

log = get_logger(__name__)


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has ended and outlived its time; returns how many rows of each kind, and of the
    exchanges how many months besides.
    """
    now = utc_now()
    keep_months_ahead(database.engine, partitioned(Base.metadata), now)
    oldest: datetime = now - timedelta(days=settings.exchange_retention_days)
    removed = {
        **_remove_exchanges(database, oldest, settings.exchange_retention_days),
        "inbound_requests": remove(
            database,
            InboundRequest,
            InboundRequest.received_at < oldest,
            InboundRequest.status == InboundStatus.DONE,
        ),
        "inbound_envelopes": remove(
            database,
            InboundEnvelope,
            InboundEnvelope.received_at < now - timedelta(days=settings.envelope_retention_days),
        ),
        "async_answers": remove(
            database,
            AsyncAnswer,
            AsyncAnswer.id < lowest_id_at(oldest),
            AsyncAnswer.status != DeliveryStatus.PENDING,
        ),
    }
    give_back(database)
    log.info("purged", **removed)
    return removed


def _remove_exchanges(database: Database, oldest: datetime, days: int) -> dict[str, int]:
    """Drop the months before `oldest` in which none is open; what is in no month goes by rows."""
    table, edge = cast(Table, Exchange.__table__), lowest_id_at(oldest)
    is_open = Exchange.status == ExchangeStatus.SENDING
    with database.reading() as session:
        first_open = session.scalar(
            select(Exchange.id).where(is_open).order_by(Exchange.id).limit(1)
        )
    months = drop_months(database.engine, table, min(edge, first_open or edge))
    old = Exchange.id < edge_of_rows(database.engine, table, edge, days)
    return {"months": months, "exchanges": remove(database, Exchange, old, ~is_open)}
