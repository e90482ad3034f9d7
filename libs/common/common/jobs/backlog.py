"""Work that is due and in nobody's hands: how much there is, and how long the oldest has waited.

A queue that grows old means that no worker runs, or too few.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import ColumnExpressionArgument, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common.clock import utc_now
from common.db.database import Database
from common.jobs.leases import Leased, is_free
from common.logs import get_logger

log = get_logger(__name__)

JOBS = "kiungo_backlog_jobs"
OLDEST_S = "kiungo_backlog_oldest_seconds"
#: More are not counted.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Queue:
    """The rows of a table that are work."""

    model: type[Leased]
    criteria: tuple[ColumnExpressionArgument[bool], ...] = ()


@dataclass(frozen=True)
class Backlog:
    """What waits in a queue: jobs (at most MOST_COUNTED), and the oldest one's seconds."""

    jobs: int
    oldest_s: float


def backlog_of(session: Session, queue: Queue, now: datetime) -> Backlog:
    """What waits at `now`."""
    due = [is_free(queue.model, now), *queue.criteria]
    some = select(queue.model.next_attempt_at).where(*due).limit(MOST_COUNTED).subquery()
    oldest = session.scalar(select(func.min(queue.model.next_attempt_at)).where(*due))
    if oldest is None:
        return Backlog(0, 0.0)
    jobs = session.scalar(select(func.count()).select_from(some)) or 0
    return Backlog(jobs, (now - oldest).total_seconds())


class BacklogMetrics(Collector):
    """The backlog of each of a service's queues; nothing while the database is away."""

    def __init__(self, database: Database, queues: Mapping[str, Queue]) -> None:
        self._database = database
        self._queues = queues

    def describe(self) -> list[Metric]:
        """Known without asking the database."""
        return [*_families()]

    def collect(self) -> Iterator[Metric]:
        """Asked whenever the page is read."""
        jobs, oldest_s = _families()
        try:
            with self._database.reading() as session:
                for name, queue in self._queues.items():
                    backlog = backlog_of(session, queue, utc_now())
                    jobs.add_metric([name], backlog.jobs)
                    oldest_s.add_metric([name], backlog.oldest_s)
        except SQLAlchemyError as exc:
            log.warning("backlog_not_measured", reason=type(exc).__name__)
            return
        yield from (jobs, oldest_s)


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(JOBS, "Jobs that are due and in nobody's hands", labels=["queue"]),
        GaugeMetricFamily(OLDEST_S, "How long the oldest of them has waited", labels=["queue"]),
    )
