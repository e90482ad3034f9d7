"""How many calls, how many failed, how long they took: per channel and hour or day."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.errors import Invalid
from sqlalchemy import BigInteger, Select, Subquery, case, cast, extract, func, select
from sqlalchemy.orm import Session

from proxy.models import Transaction, TransactionStatus
from proxy.transactions import within


class Period(enum.StrEnum):
    """What calls are counted by; both begin on the hour or at midnight, UTC."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long one lasts."""
        return timedelta(hours=1) if self is Period.HOUR else timedelta(days=1)

    @property
    def longest_span(self) -> timedelta:
        """How much can be asked for at once."""
        return timedelta(days=14 if self is Period.HOUR else 366)

    @property
    def usual_span(self) -> timedelta:
        """What is answered when nothing is asked for."""
        return timedelta(days=1 if self is Period.HOUR else 30)


@dataclass(frozen=True)
class ChannelPeriod:
    """One channel in one period; times in milliseconds, None when no call has ended yet."""

    period_start: datetime
    channel: str | None
    count: int
    failures: int
    mean_ms: float | None
    p95_ms: float | None


def span(
    period: Period, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """The span that is meant; without `until` it ends now. Raises Invalid: too long, or empty."""
    until = until or now
    if since is None:
        since = until - min(period.usual_span, until - datetime.min.replace(tzinfo=UTC))
    if since >= until:
        raise Invalid("since must be before until", {"since": ["Must be before until."]})
    if until - since > period.longest_span:
        days = period.longest_span.days
        raise Invalid(f"At most {days} days by {period}", {"since": [f"At most {days} days."]})
    return since, until


def per_channel(
    session: Session,
    period: Period,
    since: datetime,
    until: datetime,
    channel: str | None = None,
) -> Sequence[ChannelPeriod]:
    """The calls that started from `since` to before `until`: newest period first, by channel."""
    calls = _ranked(period, since, until, channel)
    rows = session.execute(_aggregated(calls)).all()
    return [
        ChannelPeriod(datetime.fromtimestamp(start, UTC), channel, count, failures, mean_ms, p95_ms)
        for start, channel, count, failures, mean_ms, p95_ms in rows
    ]


def _ranked(period: Period, since: datetime, until: datetime, channel: str | None) -> Subquery:
    """Every call with its period, its rank by duration there, and how many have one."""
    length_s = int(period.length.total_seconds())
    epoch = extract("epoch", Transaction.started_at)
    start = cast(epoch - epoch % length_s, BigInteger)
    group = (Transaction.channel_name, start)
    duration = Transaction.duration_ms
    calls = select(
        start.label("start"),
        Transaction.channel_name.label("channel"),
        Transaction.status,
        duration.label("duration_ms"),
        func.row_number()
        .over(partition_by=group, order_by=(duration.is_(None), duration))
        .label("rank"),
        func.count(duration).over(partition_by=group).label("ended"),
    ).where(*within(since, until))
    if channel is not None:
        calls = calls.where(Transaction.channel_name == channel)
    return calls.subquery()


def _aggregated(calls: Subquery) -> Select[int, str | None, int, int, float, float]:
    """The 95th percentile is the lowest duration that at least 95 of 100 calls do not exceed."""
    columns = calls.c
    failed = case((columns.status == TransactionStatus.FAILED, 1))
    slow = case((columns.rank * 100 >= columns.ended * 95, columns.duration_ms))
    return (
        select(
            columns.start,
            columns.channel,
            func.count(),
            func.count(failed),
            func.avg(columns.duration_ms),
            func.min(slow),
        )
        .group_by(columns.start, columns.channel)
        .order_by(columns.start.desc(), columns.channel)
    )
