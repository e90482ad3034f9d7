"""Calls by channel and hour: whole hours as the worker summed them up, the rest as on record."""

import math
import operator
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Label,
    case,
    cast,
    extract,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from proxy.models import HourlyRollup, Transaction, TransactionStatus
from proxy.models.statistics import OfHour
from proxy.record.transactions import within

HOUR = timedelta(hours=1)
#: The statuses that calls are counted by, in the order of Rollup's fields.
_COUNTED = (
    TransactionStatus.FAILED,
    TransactionStatus.COMPLETED,
    TransactionStatus.COMPLETED_WITH_ERRORS,
)

#: Durations are counted between these edges, from 0.1 ms to 1,000 s; each is 10 % above the last.
EDGES_MS = [10 ** (step / 24) for step in range(-24, 6 * 24 + 1)]
#: The counts of one hour: less than the first edge, less than the second, …, longer than the last.
COUNTS = struct.Struct(f"<{len(EDGES_MS) + 1}I")


@dataclass
class Rollup:
    """Some calls: how many, and how long those took that have ended."""

    calls: int = 0
    failures: int = 0
    completed: int = 0
    completed_with_errors: int = 0
    total_ms: float = 0.0
    #: As in COUNTS.
    durations: list[int] = field(default_factory=lambda: [0] * (len(EDGES_MS) + 1))

    def count(self, calls: "Rollup", durations_at: int | None) -> None:
        """Count calls of about one duration, or calls that have none."""
        self.add(calls)
        if durations_at is not None:
            self.durations[durations_at] += calls.calls

    def add(self, other: "Rollup") -> None:
        """Count the other's calls, too."""
        is_first = not self.calls
        self.calls += other.calls
        self.failures += other.failures
        self.completed += other.completed
        self.completed_with_errors += other.completed_with_errors
        self.total_ms += other.total_ms
        if is_first:
            self.durations = other.durations.copy()
        else:
            self.durations = list(map(operator.add, self.durations, other.durations))

    @property
    def mean_ms(self) -> float | None:
        """None when no call has ended."""
        ended = sum(self.durations)
        return self.total_ms / ended if ended else None

    @property
    def p95_ms(self) -> float | None:
        """The lowest duration that at least 95 of 100 ended calls do not exceed, to within 5 %."""
        return self.percentile_ms(95)

    def percentile_ms(self, percent: int) -> float | None:
        """The same of so many of 100; None when no call has ended."""
        reached = list(accumulate(self.durations))
        if not reached[-1]:
            return None
        at = bisect_left(reached, math.ceil(reached[-1] * percent / 100))
        last = len(EDGES_MS) - 1
        between = math.sqrt(EDGES_MS[max(at - 1, 0)] * EDGES_MS[min(at, last)])
        return round(between, 2 - math.floor(math.log10(between)))


@dataclass
class StagedRollup(Rollup):
    """The same with the time that the calls spent in each stage."""

    match_ms: float = 0.0
    upstream_ms: float = 0.0
    store_ms: float = 0.0

    def add(self, other: Rollup) -> None:
        """Count the other's calls, too."""
        super().add(other)
        if isinstance(other, StagedRollup):
            self.match_ms += other.match_ms
            self.upstream_ms += other.upstream_ms
            self.store_ms += other.store_ms


@dataclass(frozen=True)
class Figures:
    """One channel's calls from `start` on; times in milliseconds, None when no call has ended.

    The 95th percentile is true to within 5 %, all else is exact.
    """

    start: datetime
    channel: str | None
    count: int
    failures: int
    mean_ms: float | None
    p95_ms: float | None
    completed: int = 0
    completed_with_errors: int = 0

    @classmethod
    def of(cls, start: datetime, channel: str, rollup: Rollup) -> Self:
        """What a rollup says."""
        return cls(
            start,
            channel or None,
            rollup.calls,
            rollup.failures,
            rollup.mean_ms,
            rollup.p95_ms,
            rollup.completed,
            rollup.completed_with_errors,
        )


#: By channel and when its calls begin; the name is empty for calls that knew none.
Rollups = dict[tuple[datetime, str], Rollup]


def rollups_by_hour(
    session: Session, since: datetime, until: datetime, channel: str | None = None
) -> Rollups:
    """The calls of a span of whole hours that are summed up."""
    query = select(*HourlyRollup.__table__.columns).where(
        HourlyRollup.hour >= since, HourlyRollup.hour < until
    )
    if channel is not None:
        query = query.where(HourlyRollup.channel_name == channel)
    return {(row.hour, row.channel_name): stored_rollup(row) for row in session.execute(query)}


def rollups(
    session: Session,
    since: datetime,
    until: datetime,
    channel: str | None = None,
    stored: Callable[[Session, datetime, datetime, str | None], Rollups] = rollups_by_hour,
) -> Rollups:
    """The calls that started from `since` to before `until`, by the hour of the clock.

    Whole hours that are summed up are read by `stored`, in its steps.
    """
    end = rolled_up_until(session)
    if end is None or end <= since:
        return counted(session, on_the_hour(since), since, until, HOUR, channel)
    first = on_the_hour(since + HOUR - timedelta(microseconds=1))
    last = max(first, min(on_the_hour(until), end))
    before = counted(session, first - HOUR, since, min(first, until), HOUR, channel)
    whole_hours = stored(session, first, last, channel)
    return before | whole_hours | counted(session, last, last, until, HOUR, channel)


def stored_rollup(row: Any) -> Rollup:
    """A row of a channel's hour or day."""
    return Rollup(
        row.calls,
        row.failures,
        row.completed,
        row.completed_with_errors,
        row.total_ms,
        list(COUNTS.unpack(row.durations)),
    )


def rolled_up_until(session: Session, table: type[OfHour] = HourlyRollup) -> datetime | None:
    """All hours before this are summed up; None when none is."""
    last = session.scalar(select(func.max(table.hour)))
    return None if last is None else last + HOUR


def on_the_hour(moment: datetime) -> datetime:
    """The beginning of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def counted(
    session: Session,
    origin: datetime,
    since: datetime,
    until: datetime,
    step: timedelta,
    channel: str | None = None,
) -> Rollups:
    """The calls of a span of time, counted in the record, in steps from `origin` on.

    The origin is a whole second, and not after the span.
    """
    if since >= until:
        return {}
    beginning = literal(int(origin.timestamp()), BigInteger)
    after = extract("epoch", Transaction.started_at) - beginning
    query = select(
        cast(after - after % int(step.total_seconds()), BigInteger).label("after_s"),
        _CHANNEL,
        _durations_at(),
        *_figures(),
    ).where(*within(since, until))
    if channel is not None:
        query = query.where(Transaction.channel_name == channel)
    found: Rollups = defaultdict(Rollup)
    rows = session.execute(query.group_by("after_s", "name", "durations_at"))
    for after_s, name, at, *figures in rows:
        start = origin + timedelta(seconds=after_s)
        found[start, name].count(Rollup(*figures), at)
    return dict(found)


def counted_by_client(session: Session, hour: datetime) -> dict[tuple[str, str], StagedRollup]:
    """The calls of one hour, counted in the record, by channel and client."""
    return _counted_by(session, hour, _CHANNEL, Transaction.client_name)


def counted_by_mediator(session: Session, hour: datetime) -> dict[tuple[str, str], StagedRollup]:
    """The same by the mediator's endpoint and how the calls ended."""
    return _counted_by(session, hour, _MEDIATOR, Transaction.status)


def _counted_by(
    session: Session, hour: datetime, first: ColumnElement[Any], second: Any
) -> dict[tuple[str, str], StagedRollup]:
    stages = (Transaction.match_ms, Transaction.upstream_ms, Transaction.store_ms)
    query = select(
        first,
        second,
        _durations_at(),
        *(func.sum(func.coalesce(stage, 0.0)) for stage in stages),
        *_figures(),
    ).where(*within(hour, hour + HOUR))
    found: dict[tuple[str, str], StagedRollup] = defaultdict(StagedRollup)
    rows = session.execute(query.group_by("name", second, "durations_at"))
    for one, other, at, match, upstream, store, *figures in rows:
        some = StagedRollup(*figures)
        some.match_ms, some.upstream_ms, some.store_ms = match, upstream, store
        found[one, other].count(some, at)
    return dict(found)


def counted_by_minute(
    session: Session, since: datetime, until: datetime
) -> dict[tuple[datetime, str, str], Rollup]:
    """The calls from one whole minute to another, by minute, channel and client."""
    beginning = literal(int(since.timestamp()), BigInteger)
    after = extract("epoch", Transaction.started_at) - beginning
    query = select(
        cast(after - after % 60, BigInteger).label("after_s"),
        _CHANNEL,
        Transaction.client_name,
        _durations_at(),
        *_figures(),
    ).where(*within(since, until))
    found: dict[tuple[datetime, str, str], Rollup] = defaultdict(Rollup)
    rows = session.execute(
        query.group_by("after_s", "name", Transaction.client_name, "durations_at")
    )
    for after_s, channel, client, at, *figures in rows:
        minute = since + timedelta(seconds=after_s)
        found[minute, channel, client].count(Rollup(*figures), at)
    return dict(found)


_CHANNEL = func.coalesce(Transaction.channel_name, "").label("name")
_MEDIATOR = func.coalesce(func.substr(Transaction.mediator_url, 1, 255), "").label("name")


def _durations_at() -> Label[int | None]:
    """Between which edges a call's duration lies; null for one that has not ended."""
    found = case((Transaction.duration_ms.is_(None), None), else_=_edge_among(0, len(EDGES_MS)))
    return found.label("durations_at")


def _edge_among(first: int, last: int) -> Any:
    """The place of the lowest edge above a duration, which is from `first` to `last`: by halves, so
    that a row is compared with eight edges and not with each."""
    if first == last:
        return literal(first)
    middle = (first + last) // 2
    is_below = Transaction.duration_ms < EDGES_MS[middle]
    return case((is_below, _edge_among(first, middle)), else_=_edge_among(middle + 1, last))


def _figures() -> list[ColumnElement[Any]]:
    """The first fields of a Rollup."""
    return [
        func.count(),
        *(func.count(case((Transaction.status == status, 1))) for status in _COUNTED),
        func.sum(func.coalesce(Transaction.duration_ms, 0.0)),
    ]
