"""What the hours of a day add up to, so that a report of weeks reads few rows.

Nothing is remembered of how far this came but the rows themselves: each says up to which hour.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.db.database import Database, insert_into
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.models import MediatorRollup
from proxy.statistics.error_kinds import stored_errors
from proxy.statistics.rollups import compressed, packed, rolled_up_until
from proxy.statistics.stored import (
    CHANNELS,
    CLIENTS,
    DAY,
    ERRORS,
    FIGURES,
    MEDIATORS,
    Tables,
    days_until,
    hours_of,
    on_the_day,
    summed,
)


def sum_up_days(database: Database) -> int:
    """Bring the days up to the hours that are summed up; returns how many days were changed."""
    with database.reading() as session:
        days = list(_days(session))
        until = rolled_up_until(session, MediatorRollup)
    for day in days:
        with database.writing() as session:
            sum_up_day(session, day, until or day)
    return len(days)


def sum_up_day(session: Session, day: datetime, until: datetime) -> None:
    """Put the day's hours before `until` in the place of what was there, unless that has more."""
    until = min(day + DAY, until)
    for tables in (CHANNELS, CLIENTS, MEDIATORS):
        _put(session, tables, [*_rows(session, tables, day, until)])
    errors = stored_errors(session, [hours_of(ERRORS, day, until)])
    rows = [
        {
            "day": day,
            "until": until,
            "channel_name": one.channel,
            "kind": one.kind,
            "calls": one.count,
            "example": one.example,
            "first_hour": one.first_hour,
            "last_hour": one.last_hour,
        }
        for one in errors.values()
    ]
    _put(session, ERRORS, rows)


def _days(session: Session) -> Iterator[datetime]:
    """The days with hours that are in no day's row yet, oldest first."""
    until = rolled_up_until(session, MediatorRollup)
    done = days_until(session, MEDIATORS) or session.scalar(select(func.min(MediatorRollup.hour)))
    while until is not None and done is not None and done < until:
        yield on_the_day(done)
        done = on_the_day(done) + DAY


def _rows(
    session: Session, tables: Tables, day: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    found = summed(session, tables, tables.names, [hours_of(tables, day, until)])
    for key, rollup in found.items():
        yield {
            "day": day,
            "until": until,
            **dict(zip(tables.names, key, strict=True)),
            **{name: getattr(rollup, name) for name in FIGURES if hasattr(tables.daily, name)},
            "durations": (compressed if tables.is_compressed else packed)(rollup.durations),
        }


def _put(session: Session, tables: Tables, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_into(session, tables.daily)
    keys = list(tables.daily.__table__.primary_key)
    changed = {
        one.name: statement.excluded[one.name]
        for one in tables.daily.__table__.columns
        if not one.primary_key
    }
    # Another worker may have come further meanwhile.
    is_newer = statement.excluded["until"] >= tables.daily.until
    session.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed, where=is_newer), rows
    )
