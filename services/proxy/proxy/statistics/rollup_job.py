"""The worker sums up the calls of each hour once it is over, so that statistics answer soon."""

import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from common.db.database import Database, insert_into
from common.ids import moment_of
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proxy.models import OPEN_STATUSES, ClientRollup, HourlyRollup, Transaction
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.rollups import (
    COUNTS,
    HOUR,
    Rollup,
    counted_by_client,
    on_the_hour,
    rolled_up_until,
)

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
    session.execute(delete(ClientRollup))


def _roll_up(database: Database, hour: datetime) -> None:
    with database.reading() as session:
        found = counted_by_client(session, hour)
    channels: dict[str, Rollup] = defaultdict(Rollup)
    for (name, _), rollup in found.items():
        channels[name].add(rollup)
    rows = [
        {
            "hour": hour,
            "channel_name": name,
            **vars(rollup),
            "durations": COUNTS.pack(*rollup.durations),
        }
        for name, rollup in channels.items()
    ]
    by_client = [
        {
            "hour": hour,
            "channel_name": name,
            "client_name": client,
            **vars(rollup),
            "durations": zlib.compress(COUNTS.pack(*rollup.durations)),
        }
        for (name, client), rollup in found.items()
    ]
    with database.writing() as session:
        # Another worker counts the same.
        for table, some in ((HourlyRollup, rows), (ClientRollup, by_client)):
            session.execute(insert_into(session, table).on_conflict_do_nothing(), some)


def _untallied_hours(database: Database, now: datetime) -> Iterator[datetime]:
    """Hours with calls, oldest first, that are over and in which no call is open."""
    with database.reading() as session:
        since = rolled_up_until(session, ClientRollup)
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
