"""Calls counted in the record itself: of hours that are not summed up, and of those that the worker
sums up.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Label,
    case,
    cast,
    extract,
    func,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from proxy.models import Transaction, TransactionStatus
from proxy.record.transactions import within
from proxy.statistics.rollups import EDGES_MS, HOUR, Rollup, Rollups, StagedRollup

#: The statuses that calls are counted by, in the order of Rollup's fields.
_COUNTED = (
    TransactionStatus.FAILED,
    TransactionStatus.COMPLETED,
    TransactionStatus.COMPLETED_WITH_ERRORS,
)


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


class _DurationsAt(ColumnElement[int]):
    """The place of the lowest edge above a call's duration; null for one that has not ended."""

    inherit_cache = True
    type = Integer()


@compiles(_DurationsAt)
def _by_halves(_element: _DurationsAt, compiler: SQLCompiler, **given: Any) -> str:
    """A row is compared with eight edges and not with each."""
    duration = compiler.process(Transaction.__table__.c.duration_ms, **given)

    def among(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last) // 2
        below, above = among(first, middle), among(middle + 1, last)
        return f"CASE WHEN {duration} < {EDGES_MS[middle]!r} THEN {below} ELSE {above} END"

    return f"CASE WHEN {duration} IS NOT NULL THEN {among(0, len(EDGES_MS))} END"


@compiles(_DurationsAt, "postgresql")
def _by_bucket(_element: _DurationsAt, compiler: SQLCompiler, **given: Any) -> str:
    """PostgreSQL has a function for it: so many conditions would be planned for each query."""
    duration = compiler.process(Transaction.__table__.c.duration_ms, **given)
    edges = ", ".join(map(repr, EDGES_MS))
    return f"width_bucket({duration}, '{{{edges}}}'::double precision[])"


def _durations_at() -> Label[int]:
    return _DurationsAt().label("durations_at")


def _figures() -> list[ColumnElement[Any]]:
    """The first fields of a Rollup."""
    return [
        func.count(),
        *(func.count(case((Transaction.status == status, 1))) for status in _COUNTED),
        func.sum(func.coalesce(Transaction.duration_ms, 0.0)),
    ]
