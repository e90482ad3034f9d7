"""The worker sums up the calls of each hour once it is over, so that statistics answer soon."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from common.db.database import Database, is_sqlite
from common.ids import moment_of
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from proxy.models import OPEN_STATUSES, HourlyRollup, Transaction
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.rollups import COUNTS, HOUR, counted, on_the_hour, rolled_up_until

#: Calls of an hour are on record this long after it at the latest.
LAG = timedelta(minutes=5)


def roll_up_past_hours(database: Database, now: datetime) -> int:
    """Sum up the hours whose calls have all ended; returns how many hours."""
    hours = 0
    for hour in _untallied_hours(database, now):
        _roll_up(database, hour)
        hours += 1
    return hours


def forget_rollups(session: Session) -> None:
    """Let every hour be summed up anew: the record of the past was changed."""
    session.execute(delete(HourlyRollup))


def _roll_up(database: Database, hour: datetime) -> None:
    with database.reading() as session:
        found = counted(session, hour, hour, hour + HOUR, HOUR)
    rows = [
        {
            "hour": hour,
            "channel_name": name,
            **vars(rollup),
            "durations": COUNTS.pack(*rollup.durations),
        }
        for (_, name), rollup in found.items()
    ]
    insert = sqlite.insert if is_sqlite(database.engine) else postgresql.insert
    with database.writing() as session:
        # Another worker counts the same.
        session.execute(insert(HourlyRollup).on_conflict_do_nothing(), rows)


def _untallied_hours(database: Database, now: datetime) -> Iterator[datetime]:
    """Hours with calls, oldest first, that are over and in which no call is open."""
    with database.reading() as session:
        since = rolled_up_until(session)
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
