"""Rollups as the worker has stored them: of a span its whole days, and hours for what is left.

The day that has not ended has a row as well, with the hours that are in it so far.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
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
from proxy.statistics.rollups import COUNTS, Rollups, StagedRollup, stored_rollup

DAY = timedelta(days=1)
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
Summed = dict[tuple[str | None, ...], StagedRollup]


def summed(
    session: Session,
    tables: Tables,
    names: Sequence[str],
    found: Sequence[Part],
    **wanted: Any,
) -> Summed:
    """What the rows of parts add up to, by the columns `names`; `wanted` are values of columns.

    Durations are added as one long number for each row: no count of COUNTS reaches the next.
    """
    rollups: Summed = defaultdict(StagedRollup)
    counts: dict[tuple[str | None, ...], int] = defaultdict(int)
    for part in found:
        keys = [getattr(part.table, name) for name in names]
        figures = [name for name in FIGURES if hasattr(part.table, name)]
        sums = [func.sum(getattr(part.table, name)) for name in figures]
        where = [*part.criteria(), *_equal(part.table, wanted)]
        for row in session.execute(select(*keys, *sums).where(*where).group_by(*keys)):
            _add(
                rollups[tuple(row[: len(keys)])], dict(zip(figures, row[len(keys) :], strict=True))
            )
        durations = select(*keys, part.table.durations).where(*where)
        for row in session.execute(durations.execution_options(yield_per=5_000)):
            packed = zlib.decompress(row[-1]) if tables.is_compressed else row[-1]
            counts[row[:-1]] += int.from_bytes(packed, "little")
    for key, rollup in rollups.items():
        rollup.durations = list(COUNTS.unpack(counts[key].to_bytes(COUNTS.size, "little")))
    return rollups


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
