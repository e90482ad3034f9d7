"""The worker sums up the calls of each hour once it is over, and the hours of each day, so that
statistics answer soon. An hour of which a call has changed since is counted anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from common.db.database import Database, insert_into
from common.ids import moment_of
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proxy.models import (
    OPEN_STATUSES,
    ChangedHour,
    ClientRollup,
    ErrorRollup,
    HourlyRollup,
    MediatorRollup,
    Transaction,
)
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.counting import counted_by_client, counted_by_mediator
from proxy.statistics.daily_rollups import sum_up_day, sum_up_days
from proxy.statistics.error_kinds import ErrorKind, counted_errors
from proxy.statistics.rollups import (
    HOUR,
    Rollup,
    StagedRollup,
    compressed,
    on_the_hour,
    packed,
    rolled_up_until,
)
from proxy.statistics.stored import ALL, on_the_day

#: Calls of an hour are on record this long after it at the latest.
LAG = timedelta(minutes=5)


def roll_up_past_hours(database: Database, now: datetime) -> int:
    """Sum up the hours whose calls have all ended, and their days; returns how many hours."""
    hours = 0
    for hour in _untallied_hours(database, now):
        with database.reading() as session:
            counted = _counted(session, hour)
        with database.writing() as session:
            _keep(session, counted)
        hours += 1
    sum_up_days(database)
    return hours + _count_changed_hours(database)


def note_changes(session: Session, started_at: Iterable[datetime]) -> None:
    """Calls that began then came, changed or went, in the caller's transaction: their hours are
    counted anew.
    """
    rows = [{"hour": hour} for hour in sorted({on_the_hour(one) for one in started_at})]
    if rows:
        session.execute(insert_into(session, ChangedHour).on_conflict_do_nothing(), rows)


def _count_changed_hours(database: Database) -> int:
    """Count those hours anew that were summed up before a call of them changed."""
    with database.reading() as session:
        known = rolled_up_until(session, MediatorRollup)
        changed = select(ChangedHour.hour).where(ChangedHour.hour < known) if known else None
        hours = session.scalars(changed).all() if changed is not None else []
    for hour in hours:
        with database.writing() as session:
            # First: who changes another call of it meanwhile writes the row again.
            session.execute(delete(ChangedHour).where(ChangedHour.hour == hour))
            day = on_the_day(hour)
            for tables in ALL:
                session.execute(delete(tables.hourly).where(tables.hourly.hour == hour))
                session.execute(delete(tables.daily).where(tables.daily.day == day))
            _keep(session, _counted(session, hour))
            sum_up_day(session, day, known or day)
    return len(hours)


Counted = list[tuple[type[Any], list[dict[str, Any]]]]


def _counted(session: Session, hour: datetime) -> Counted:
    """The rows of an hour, by their tables."""
    by_client = counted_by_client(session, hour)
    by_mediator = counted_by_mediator(session, hour)
    errors = counted_errors(session, hour, hour + HOUR)
    channels: dict[str, Rollup] = defaultdict(Rollup)
    for (name, _), rollup in by_client.items():
        channels[name].add(rollup)
    return [
        (HourlyRollup, [_of_channel(hour, name, one) for name, one in channels.items()]),
        (ClientRollup, _rows(hour, ("channel_name", "client_name"), by_client)),
        (ErrorRollup, [_of_error(one) for one in errors]),
        (MediatorRollup, _rows(hour, ("mediator_url", "status"), by_mediator)),
    ]


def _keep(session: Session, counted: Counted) -> None:
    for table, rows in counted:
        if rows:  # another worker counts the same
            session.execute(insert_into(session, table).on_conflict_do_nothing(), rows)


def _of_channel(hour: datetime, name: str, rollup: Rollup) -> dict[str, Any]:
    durations = packed(rollup.durations)
    return {"hour": hour, "channel_name": name, **vars(rollup), "durations": durations}


def _rows(
    hour: datetime, names: tuple[str, str], found: Mapping[tuple[str, str], StagedRollup]
) -> list[dict[str, Any]]:
    return [
        {
            "hour": hour,
            **dict(zip(names, key, strict=True)),
            **vars(rollup),
            "durations": compressed(rollup.durations),
        }
        for key, rollup in found.items()
    ]


def _of_error(one: ErrorKind) -> dict[str, Any]:
    return {
        "hour": one.first_hour,
        "channel_name": one.channel,
        "kind": one.kind,
        "calls": one.count,
        "example": one.example,
    }


def _untallied_hours(database: Database, now: datetime) -> Iterator[datetime]:
    """Hours with calls, oldest first, that are over and in which no call is open."""
    with database.reading() as session:
        since = rolled_up_until(session, MediatorRollup)  # the youngest table
        end = min([now - LAG, *_open_since(session)])
    while True:
        with database.reading() as session:
            started_at = _next_start(session, since)
        if started_at is None or on_the_hour(started_at) + HOUR > end:
            return
        yield on_the_hour(started_at)
        since = on_the_hour(started_at) + HOUR


def _next_start(session: Session, since: datetime | None) -> datetime | None:
    return session.scalar(
        select(Transaction.started_at)
        .where(*within(since, None))
        .order_by(Transaction.correlation_id)
        .limit(1)
    )


def _open_since(session: Session) -> list[datetime]:
    """When the oldest open call of each status was made."""
    oldest = [
        session.scalar(
            select(Transaction.correlation_id)
            .where(NOT_SUCCESSFUL, Transaction.status == status)
            .order_by(Transaction.correlation_id)
            .limit(1)
        )
        for status in OPEN_STATUSES
    ]
    return [moment_of(made) for made in oldest if made is not None]
