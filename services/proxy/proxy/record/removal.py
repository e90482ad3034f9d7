"""Calls that have outlived their time go, and with each what other tables have of it.

On PostgreSQL whole months are dropped once every call in them is older than the longest that any
channel keeps its calls: a call may stay up to a month longer than that. What is kept for less long
than by others, or for less than a month, goes in batches, to the day; so does all on SQLite.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from common.db.database import Database
from common.db.partitions import drop_months, edge_of_rows, key_of
from common.db.purging import in_batches, remove
from common.ids import lowest_id_at
from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.orm import Session

from proxy.models import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    AsyncCall,
    Channel,
    Retry,
    StoredRequest,
    StoredResponse,
    Transaction,
    TransactionField,
    TransactionProperty,
    TransactionReport,
)
from proxy.models.transactions import NOT_SUCCESSFUL

#: What belongs to a call, by its id.
PARTS: tuple[type[Any], ...] = (
    *(StoredRequest, StoredResponse, TransactionReport, TransactionProperty),
    *(TransactionField, AsyncCall, Retry),
)
_id = Transaction.correlation_id


@dataclass(frozen=True)
class Keeping:
    """For how many days calls are kept: `usual`, and by name those of channels that say so."""

    usual: int
    own: Mapping[str, int]

    def days(self, channel: str | None) -> int:
        """How long the calls of a channel are kept."""
        return self.usual if channel is None else self.own.get(channel, self.usual)

    def longest(self) -> int:
        """How long any call is kept."""
        return max(self.usual, *self.own.values(), 0)


def keeping(database: Database, usual: int) -> Keeping:
    """What is kept for how long, as the channels say now."""
    own = select(Channel.name, Channel.retention_days).where(Channel.retention_days.is_not(None))
    with database.reading() as session:
        return Keeping(usual, {name: int(days or 0) for name, days in session.execute(own)})


def remove_calls(database: Database, kept: Keeping, now: datetime) -> dict[str, int]:
    """Remove what has ended and is too old: how many months, and how many calls besides."""
    longest = kept.longest()
    months = _drop_months(database, lowest_id_at(now - timedelta(days=longest)))
    table, removed = cast(Table, Transaction.__table__), 0
    for channel in list(_channels_on_record(database)):
        days = kept.days(channel)
        edge = lowest_id_at(now - timedelta(days=days))
        if days == longest:
            edge = edge_of_rows(database.engine, table, edge, days)
        removed += _remove(database, Transaction.channel_name == channel, _id < edge)
    return {"months": months, "transactions": removed}


def remove_calls_now(session: Session, *which: ColumnElement[bool]) -> None:
    """Remove the calls that meet the conditions, in the session's own transaction."""
    _remove_ids(session, select(_id).where(*which))


def _drop_months(database: Database, edge: uuid.UUID) -> int:
    """Drop the months before `edge` in which no call is open."""
    with database.reading() as session:
        edge = min([edge, *_oldest_open(session)])
    dropped = drop_months(database.engine, cast(Table, Transaction.__table__), edge)
    if dropped:
        for part in PARTS:
            if key_of(part.__table__) is not None:
                drop_months(database.engine, part.__table__, edge)
            else:
                remove(database, part, part.correlation_id < edge)
    return dropped


def _oldest_open(session: Session) -> Iterator[uuid.UUID]:
    for status in OPEN_STATUSES:
        is_open = (NOT_SUCCESSFUL, Transaction.status == status)
        found = session.scalar(select(_id).where(*is_open).order_by(_id).limit(1))
        if found is not None:
            yield found


def _channels_on_record(database: Database) -> Iterator[str | None]:
    """The names that calls have, each read from the index alone; None: calls without a channel."""
    name = Transaction.channel_name
    yield None
    found: str | None = ""
    while found is not None:
        following = select(name).where(name >= found if found == "" else name > found)
        with database.reading() as session:
            found = session.scalar(following.order_by(name).limit(1))
        if found is not None:
            yield found


def _remove(database: Database, *old: ColumnElement[bool]) -> int:
    ended = Transaction.status.in_(FINAL_STATUSES)
    some = select(_id).where(*old, ended).order_by(_id)

    def step(session: Session, limit: int) -> int:
        ids = session.scalars(some.limit(limit)).all()
        _remove_ids(session, ids)
        return len(ids)

    return in_batches(database, step)


def _remove_ids(session: Session, ids: Any) -> None:
    models: tuple[type[Any], ...] = (*PARTS, Transaction)
    for model in models:
        session.execute(
            delete(model).where(model.correlation_id.in_(ids)),
            execution_options={"synchronize_session": False},
        )
