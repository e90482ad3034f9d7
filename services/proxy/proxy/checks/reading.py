"""What pages, routes and metrics say of the last round of checks."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database, insert_into
from common.logs import get_logger
from common.texts import N_
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.checks.probes import Finding
from proxy.models import Alert, CheckState, HealthCheck, Measure
from proxy.statistics.judging import failing_channels

log = get_logger(__name__)

#: A round is due every few seconds; older answers are no answers.
STALE_AFTER = timedelta(seconds=15)
#: What is judged by calls, or names channels.
OF_CALLS = (Measure.MEDIATOR, Measure.LISTENERS, Measure.QUEUE_AGE, Measure.OUTBOX_UNKNOWN)
NOBODY_LOOKS = N_("No worker has looked at the parts for 15 seconds: proxy-worker stands still")


@dataclass(frozen=True)
class Trouble:
    """Something that is not well; `measure` and `subject` lead to its page."""

    measure: Measure
    subject: str
    detail: str


def keep(session: Session, findings: Sequence[Finding], now: datetime) -> None:
    """Put a round's findings in the place of the last one's."""
    rows = {
        (one.measure, one.subject[:255]): {**vars(one), "subject": one.subject[:255]}
        for one in findings
    }
    statement = insert_into(session, HealthCheck)
    changed = {
        name: statement.excluded[name] for name in ("state", "value", "detail", "checked_at")
    }
    session.execute(
        statement.on_conflict_do_update(index_elements=["measure", "subject"], set_=changed),
        [{**row, "checked_at": now} for row in rows.values()],
    )
    session.execute(delete(HealthCheck).where(HealthCheck.checked_at < now))


def checks(session: Session, channels: Collection[str] | None = None) -> Sequence[HealthCheck]:
    """The last round, by measure and subject; who sees `channels` only sees nothing of calls."""
    wanted = select(HealthCheck).order_by(HealthCheck.measure, HealthCheck.subject)
    if channels is not None:
        wanted = wanted.where(HealthCheck.measure.not_in(OF_CALLS))
    return session.scalars(wanted).all()


def troubles(
    session: Session,
    found: Sequence[HealthCheck],
    now: datetime,
    channels: Collection[str] | None = None,
) -> list[Trouble]:
    """What is not well now: nobody looks, parts that fail, channels most of whose calls fail.

    Of `channels` where they are given.
    """
    looked_at = max((one.checked_at for one in found), default=None)
    failing = [
        Trouble(Measure.FAILURE_SHARE, name, f"{recent.failures} of {recent.calls} calls failed")
        for name, recent in failing_channels(session, now, channels)
    ]
    if looked_at is None or looked_at < now - STALE_AFTER:
        return [Trouble(Measure.PROCESS, "proxy-worker", NOBODY_LOOKS), *failing]
    parts = [
        Trouble(one.measure, one.subject, one.detail)
        for one in found
        if one.state is CheckState.FAILING
    ]
    return [*parts, *failing]


class HealthMetrics(Collector):
    """`kiungo_health` of each part, and the alerts that stand; nothing without a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Known without asking the database."""
        return [*_families()]

    def collect(self) -> Iterator[Metric]:
        """Asked whenever the page is read."""
        health, alerts = _families()
        try:
            with self._database.reading() as session:
                found = checks(session)
                open_alerts = session.execute(
                    select(Alert.rule_name, func.count())
                    .where(Alert.ended_at.is_(None))
                    .group_by(Alert.rule_name)
                ).all()
        except SQLAlchemyError as exc:
            log.warning("health_not_measured", reason=type(exc).__name__)
            return
        fresh = utc_now() - STALE_AFTER
        for one in found:
            is_well = one.state is CheckState.WELL and one.checked_at >= fresh
            is_known = one.state is not CheckState.UNKNOWN and one.checked_at >= fresh
            health.add_metric(
                [one.measure, one.subject], float(is_well) if is_known else float("nan")
            )
        for rule, count in open_alerts:
            alerts.add_metric([rule], count)
        yield from (health, alerts)


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "kiungo_health", "1: well, 0: failing, NaN: unknown", labels=["measure", "subject"]
        ),
        GaugeMetricFamily("kiungo_alerts_open", "Alerts that have not ended", labels=["rule"]),
    )
