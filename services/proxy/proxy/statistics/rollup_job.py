"""The worker sums up the calls of each hour once it is over, so that statistics answer soon."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from common.db.database import Database, insert_into
from common.ids import moment_of
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proxy.models import (
    OPEN_STATUSES,
    ClientRollup,
    ErrorRollup,
    HourlyRollup,
    MediatorRollup,
    Transaction,
)
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.error_kinds import ErrorKind, counted_errors
from proxy.statistics.rollups import (
    COUNTS,
    HOUR,
    Rollup,
    StagedRollup,
    counted_by_client,
    counted_by_mediator,
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
    for table in (HourlyRollup, ClientRollup, ErrorRollup, MediatorRollup):
        session.execute(delete(table))


def _roll_up(database: Database, hour: datetime) -> None:
    with database.reading() as session:
        by_client = counted_by_client(session, hour)
        by_mediator = counted_by_mediator(session, hour)
        errors = counted_errors(session, hour, hour + HOUR)
    channels: dict[str, Rollup] = defaultdict(Rollup)
    for (name, _), rollup in by_client.items():
        channels[name].add(rollup)
    tables: list[tuple[type[Any], list[dict[str, Any]]]] = [
        (HourlyRollup, [_of_channel(hour, name, one) for name, one in channels.items()]),
        (ClientRollup, _rows(hour, ("channel_name", "client_name"), by_client)),
        (ErrorRollup, [_of_error(one) for one in errors]),
        (MediatorRollup, _rows(hour, ("mediator_url", "status"), by_mediator)),
    ]
    with database.writing() as session:
        # Another worker counts the same.
        for table, rows in tables:
            if rows:
                session.execute(insert_into(session, table).on_conflict_do_nothing(), rows)


def _of_channel(hour: datetime, name: str, rollup: Rollup) -> dict[str, Any]:
    packed = COUNTS.pack(*rollup.durations)
    return {"hour": hour, "channel_name": name, **vars(rollup), "durations": packed}


def _rows(
    hour: datetime, names: tuple[str, str], found: Mapping[tuple[str, str], StagedRollup]
) -> list[dict[str, Any]]:
    return [
        {
            "hour": hour,
            **dict(zip(names, key, strict=True)),
            **vars(rollup),
            "durations": zlib.compress(COUNTS.pack(*rollup.durations)),
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
