"""What watches this service is shown of its transports: `/readyz` and Prometheus' metrics."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.clock import rfc3339, utc_now
from common.db.database import Database
from common.logs import get_logger
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from notification.models import MessageStatus, TransportState
from notification.outbox.backlog import count_of
from notification.outbox.transports import in_trouble

log = get_logger(__name__)

PAUSED = "kiungo_notification_transport_paused"
CLOSINGS = "kiungo_notification_transport_closings"
UNKNOWN = "kiungo_notification_unknown_messages"
_LABELS = ["channel", "provider"]


def readiness(database: Database) -> dict[str, Any]:
    """The transports that take nothing for a while: the service is ready all the same."""
    now = utc_now()
    with database.reading() as session:
        troubled = in_trouble(session)
    return {
        "transports": [
            {
                "channel": one.channel,
                "provider": one.provider,
                "state": "paused" if _is_paused(one, now) else "being tried",
                "until": one.closed_until and rfc3339(one.closed_until),
                "reason": one.reason,
            }
            for one in troubled
        ]
    }


class TransportMetrics(Collector):
    """How every transport stands that was ever in trouble; nothing while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Known without asking the database."""
        return [*self._families()]

    def collect(self) -> Iterator[Metric]:
        """Asked whenever the page is read."""
        now = utc_now()
        try:
            with self._database.reading() as session:
                rows = session.scalars(
                    select(TransportState).order_by(TransportState.channel, TransportState.provider)
                ).all()
        except SQLAlchemyError as exc:
            log.warning("transports_not_measured", reason=type(exc).__name__)
            return
        paused, closings = self._families()
        for row in rows:
            paused.add_metric([row.channel, row.provider], _is_paused(row, now))
            closings.add_metric([row.channel, row.provider], row.closings)
        yield from (paused, closings)

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(PAUSED, "1: it takes no message at this moment", labels=_LABELS),
            GaugeMetricFamily(CLOSINGS, "Pauses in a row, without a message taken", labels=_LABELS),
        )


class UnknownMessages(Collector):
    """How many messages have an unknown outcome; nothing while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Known without asking the database."""
        return [self._gauge()]

    def collect(self) -> Iterator[Metric]:
        """Asked whenever the page is read; up to 10,001 are counted."""
        gauge = self._gauge()
        try:
            with self._database.reading() as session:
                gauge.add_metric([], count_of(session, MessageStatus.UNKNOWN))
        except SQLAlchemyError as exc:
            log.warning("unknown_messages_not_measured", reason=type(exc).__name__)
            return
        yield gauge

    @staticmethod
    def _gauge() -> GaugeMetricFamily:
        return GaugeMetricFamily(UNKNOWN, "Messages whose outcome is unknown", labels=[])


def _is_paused(row: TransportState, now: datetime) -> bool:
    return row.closed_until is not None and row.closed_until > now
