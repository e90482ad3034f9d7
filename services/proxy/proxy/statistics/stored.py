"""Rollups as the worker has stored them: of a span its whole days, and hours for what is left.
What is not summed up yet is counted in the record (`rollups`).

The day that has not ended has a row as well, with the hours that are in it so far.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from proxy.models import (
    ClientRollup,
    DailyClientRollup,
    DailyErrorRollup,
    DailyMediatorRollup,
    DailyRollup,
    ErrorRollup,
    HourlyRollup,
    MediatorRollup,
)
from proxy.statistics.counting import counted
from proxy.statistics.rollups import (
    HOUR,
    Rollup,
    Rollups,
    StagedRollup,
    decompressed,
    on_the_hour,
    rolled_up_until,
    unpacked,
)

DAY = timedelta(days=1)
#: So many keys are named in a query; of more, all rows are read.
FEW = 100
#: The columns of both that add up; durations do so in their own way.
FIGURES = (
    *("calls", "failures", "completed", "completed_with_errors"),
    *("total_ms", "match_ms", "upstream_ms", "store_ms"),
)


@dataclass(frozen=True)
class Tables:
    """The hours and the days of one kind of rollup, by what its calls are told apart by."""

    hourly: type[Any]
    daily: type[Any]
    names: tuple[str, ...]
    is_compressed: bool = True


CHANNELS = Tables(HourlyRollup, DailyRollup, ("channel_name",), is_compressed=False)
CLIENTS = Tables(ClientRollup, DailyClientRollup, ("channel_name", "client_name"))
MEDIATORS = Tables(MediatorRollup, DailyMediatorRollup, ("mediator_url", "status"))
ERRORS = Tables(ErrorRollup, DailyErrorRollup, ("channel_name", "kind"))
ALL = (CHANNELS, CLIENTS, MEDIATORS, ERRORS)


@dataclass(frozen=True)
class Part:
    """The rows of one table that are of a span; `start` is the column of their hour or day."""

    table: type[Any]
    start: InstrumentedAttribute[datetime]
    since: datetime
    until: datetime

    def criteria(self) -> list[ColumnElement[bool]]:
        """What selects the rows."""
        return [self.start >= self.since, self.start < self.until]


def on_the_day(moment: datetime) -> datetime:
    """The beginning of the day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def days_until(session: Session, tables: Tables) -> datetime | None:
    """The hours before this are in a day's row; None when there is none."""
    daily = tables.daily
    last = select(func.max(daily.day)).scalar_subquery()
    found: datetime | None = session.scalar(select(func.max(daily.until)).where(daily.day == last))
    return found


def parts(session: Session, tables: Tables, since: datetime, until: datetime) -> list[Part]:
    """What a span of whole hours is made of, oldest first: hours, days, hours."""
    done = days_until(session, tables) or since
    first = on_the_day(since + DAY - timedelta(microseconds=1))
    last = done if done <= until else on_the_day(until)
    if first >= last:
        return [hours_of(tables, since, until)]
    found = [
        hours_of(tables, since, first),
        Part(tables.daily, tables.daily.day, first, last),
        hours_of(tables, last, until),
    ]
    return [one for one in found if one.since < one.until]


def hours_of(tables: Tables, since: datetime, until: datetime) -> Part:
    """The hours of a span."""
    return Part(tables.hourly, tables.hourly.hour, since, until)


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
        unpacked(row.durations),
    )


def rollups_by_day(
    session: Session, since: datetime, until: datetime, channel: str | None = None
) -> Rollups:
    """The calls of a span of whole hours: by the day, and by the hour where a day is not whole."""
    found: Rollups = {}
    for part in parts(session, CHANNELS, since, until):
        query = select(part.start.label("start"), *part.table.__table__.columns).where(
            *part.criteria(), *_equal(part.table, {"channel_name": channel})
        )
        for row in session.execute(query):
            found[row.start, row.channel_name] = stored_rollup(row)
    return found


def calls_in_steps(
    session: Session,
    tables: Tables,
    since: datetime,
    until: datetime,
    step: timedelta,
    **wanted: Any,
) -> dict[datetime, tuple[int, int]]:
    """Calls and failures by hour (a step of HOUR) or day; steps without calls are left out."""
    found: dict[datetime, tuple[int, int]] = {}
    whole = [hours_of(tables, since, until)] if step < DAY else parts(session, tables, since, until)
    for part in whole:
        counts = func.sum(part.table.calls), func.sum(part.table.failures)
        query = select(part.start, *counts).where(*part.criteria(), *_equal(part.table, wanted))
        for start, *some in session.execute(query.group_by(part.start)):
            key = start if step < DAY else on_the_day(start)
            calls, failures = found.get(key, (0, 0))
            found[key] = calls + int(some[0]), failures + int(some[1])
    return found


#: By the values of the columns that calls are told apart by.
Key = tuple[str, ...]
Summed = dict[Key, StagedRollup]


def summed(
    session: Session,
    tables: Tables,
    names: Sequence[str],
    found: Sequence[Part],
    **wanted: Any,
) -> Summed:
    """What the rows of parts add up to, by the columns `names`; `wanted` are values of columns."""
    rollups = figures(session, names, found, **wanted)
    add_durations(session, tables, names, found, rollups, **wanted)
    return rollups


def figures(session: Session, names: Sequence[str], found: Sequence[Part], **wanted: Any) -> Summed:
    """The same without durations: the database adds up what is one number."""
    rollups: Summed = defaultdict(StagedRollup)
    for part in found:
        keys = [getattr(part.table, name) for name in names]
        added = [name for name in FIGURES if hasattr(part.table, name)]
        sums = [func.sum(getattr(part.table, name)) for name in added]
        where = [*part.criteria(), *_equal(part.table, wanted)]
        for row in session.execute(select(*keys, *sums).where(*where).group_by(*keys)):
            key, numbers = tuple(row[: len(keys)]), row[len(keys) :]
            _add(rollups[key], dict(zip(added, numbers, strict=True)))
    return rollups


def add_durations(
    session: Session,
    tables: Tables,
    names: Sequence[str],
    found: Sequence[Part],
    rollups: Mapping[Key, StagedRollup],
    **wanted: Any,
) -> None:
    """Add to some rollups of a span how long their calls took; each row of them is read."""
    read = decompressed if tables.is_compressed else unpacked
    for part in found:
        keys = [getattr(part.table, name) for name in names]
        where = [*part.criteria(), *_equal(part.table, wanted)]
        if len(rollups) <= FEW:
            where.append(tuple_(*keys).in_(list(rollups)))
        rows = session.execute(
            select(*keys, part.table.durations).where(*where),
            execution_options={"yield_per": 5_000},
        )
        for *key, durations in rows:
            rollup = rollups.get(tuple(key))
            if rollup is not None:  # else a row that came since
                rollup.durations += read(durations)


def _equal(table: type[Any], wanted: dict[str, Any]) -> list[ColumnElement[bool]]:
    """Conditions: one of several values where there is a collection, none where there is None."""
    return [
        getattr(table, name) == value if isinstance(value, str) else getattr(table, name).in_(value)
        for name, value in wanted.items()
        if value is not None
    ]


def _add(rollup: StagedRollup, figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        had = getattr(rollup, name)
        setattr(rollup, name, had + type(had)(value))
