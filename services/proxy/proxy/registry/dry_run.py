"""A dry run: what a changed channel would do to the last calls on record. Nothing is sent or saved.

The change is made in a transaction that is rolled back; the routing tables before and after it
decide each call as the gateway does, all mediators being online. Calls that neither the channel
nor its changed self could take are passed over.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from common.db.sealed_texts import LOCKED
from common.db.write_lock import WriteLock
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from proxy.container import Container
from proxy.gateway.load_table import load_table
from proxy.gateway.match import CandidateChannel
from proxy.gateway.routing_table import RoutingTable
from proxy.models import Transaction
from proxy.models.sealed import NOT_STORED, REQUEST_HEADS, TRANSACTION_TEXTS
from proxy.registry.patterns import has_dot_segments
from proxy.registry.recorded_calls import (
    Decision,
    Recorded,
    Undecided,
    call_of,
    call_path,
    decision,
)

MOST_CALLS = 10_000
MOST_EXAMPLES = 20
BATCH = 1_000
_BODIES_BATCH = 200

_COLUMNS = (
    Transaction.correlation_id,
    Transaction.started_at,
    Transaction.client_name,
    Transaction.client_address,
    Transaction.request_method,
    Transaction.request_url,
    Transaction.request_headers,
    Transaction.request_head,
    Transaction.request_body_length,
)


class Outcome(StrEnum):
    """What the change does to a call."""

    ELSEWHERE = "elsewhere"  # another channel takes it
    REJECTED = "rejected"  # it was taken, and no longer is
    TAKEN = "taken"  # it would be rejected now, and no longer is
    REWRITTEN = "rewritten"  # the same channel sends it to another address or path
    UNDECIDED = "undecided"  # a rule asks for a body that is not kept whole


@dataclass(frozen=True)
class Example:
    """A call that the change does something to; `before` and `after` are words for people."""

    correlation_id: uuid.UUID
    started_at: datetime
    client: str
    method: str
    path: str
    before: str
    after: str


@dataclass
class Trial:
    """Counts, and for each outcome the newest examples."""

    calls: int = 0
    #: When the oldest of them began; None where there is none.
    since: datetime | None = None
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    examples: dict[Outcome, list[Example]] = field(
        default_factory=lambda: {one: [] for one in Outcome}
    )

    @property
    def unchanged(self) -> int:
        """Calls to which the change does nothing."""
        return self.calls - sum(self.counts.values())


Tables = tuple[RoutingTable, RoutingTable]


def dry_run(
    process: Container,
    channel_id: uuid.UUID,
    change: Callable[[Session], object],
    calls: int = MOST_CALLS,
) -> Trial:
    """Try `change`, which changes the channel, with the newest calls. Raises what `change` does."""
    tables = _tables(process, change)
    concerned = [one for table in tables if (one := _candidate(table, channel_id)) is not None]
    trial, limit = Trial(), process.settings.body_rules_max_bytes
    for rows in _newest(process, calls):
        trial.calls += len(rows)
        trial.since = rows[-1].started_at
        asked = [row for row in rows if _concerns(concerned, row.request_url)]
        for row, body in _with_bodies(process, asked, tables):
            _compare(trial, tables, row, body, limit)
    return trial


def _tables(process: Container, change: Callable[[Session], object]) -> Tables:
    engine, timeout_s = process.database.engine, process.settings.forward_timeout_s
    with process.database.reading() as session:
        before = load_table(session, 0, timeout_s)
    with WriteLock(engine), Session(engine, expire_on_commit=False) as session:
        change(session)
        after = load_table(session, 0, timeout_s)
        session.rollback()
    return before, after


def _candidate(table: RoutingTable, channel_id: uuid.UUID) -> CandidateChannel | None:
    return next((one for one in table.index.channels if one.id == channel_id), None)


def _concerns(concerned: Sequence[CandidateChannel], url: str) -> bool:
    path = call_path(url)
    return not has_dot_segments(path) and any(one.pattern.matches(path) for one in concerned)


def _newest(process: Container, calls: int) -> Iterator[Sequence[Recorded]]:
    """The newest calls, newest first, each batch in a short transaction of its own."""
    below: uuid.UUID | None = None
    while calls > 0:
        query = select(*_COLUMNS).order_by(Transaction.correlation_id.desc())
        if below is not None:
            query = query.where(Transaction.correlation_id < below)
        with process.database.reading() as session:
            found = session.execute(query.limit(min(BATCH, calls))).all()
        if not found:
            return
        rows = [_recorded(process, row) for row in found]
        yield rows
        calls -= len(rows)
        below = rows[-1].correlation_id


def _recorded(process: Container, row: Row[Any]) -> Recorded:
    """The call in clear."""
    values = row._asdict()
    head = values.pop("request_head")
    opened = REQUEST_HEADS.opened(process.sealer.texts, head, row.correlation_id)
    return Recorded(**{**values, **opened})


def _with_bodies(
    process: Container, rows: Sequence[Recorded], tables: Tables
) -> Iterator[tuple[Recorded, bytes | None]]:
    """Each call with its body; None where that is not known, or nothing asks for it."""
    if not any(_looks_into_bodies(table) for table in tables):
        yield from ((row, None) for row in rows)
        return
    for start in range(0, len(rows), _BODIES_BATCH):
        some = rows[start : start + _BODIES_BATCH]
        with process.database.reading() as session:
            found = dict(session.execute(_whole_bodies(some)).all())
        for row in some:
            body = found.get(row.correlation_id)
            yield row, None if body in (None, NOT_STORED) else _in_clear(process, row, body)


def _in_clear(process: Container, row: Recorded, stored: str) -> bytes | None:
    opened = TRANSACTION_TEXTS.opened(
        process.sealer.texts, "request_body", stored, row.correlation_id
    )
    return None if opened == LOCKED else opened.encode()


def _whole_bodies(rows: Sequence[Recorded]) -> Any:
    ids = [row.correlation_id for row in rows]
    return select(Transaction.correlation_id, Transaction.request_body).where(
        Transaction.correlation_id.in_(ids), Transaction.request_body_whole
    )


def _looks_into_bodies(table: RoutingTable) -> bool:
    return any(
        (one.content is not None and one.content.body is not None)
        or table.channels[one.id].request_body_schema is not None
        for one in table.index.channels
    )


def _compare(trial: Trial, tables: Tables, row: Recorded, body: bytes | None, limit: int) -> None:
    try:
        call = call_of(row)
        before, after = (decision(table, row.client_name, call, body, limit) for table in tables)
    except Undecided:
        _count(trial, Outcome.UNDECIDED, row, "", "")
        return
    outcome = _outcome(before, after)
    if outcome is not None:
        _count(trial, outcome, row, before.words, after.words)


def _outcome(before: Decision, after: Decision) -> Outcome | None:
    if before.channel is None or after.channel is None:
        if before.channel is after.channel:
            return None
        return Outcome.TAKEN if before.channel is None else Outcome.REJECTED
    if before.channel != after.channel:
        return Outcome.ELSEWHERE
    return None if before.words == after.words else Outcome.REWRITTEN


def _count(trial: Trial, outcome: Outcome, row: Recorded, before: str, after: str) -> None:
    trial.counts[outcome] += 1
    examples = trial.examples[outcome]
    if len(examples) < MOST_EXAMPLES:
        path = row.request_url.partition("?")[0]
        client = row.client_name
        named = row.correlation_id, row.started_at, client, row.request_method, path
        examples.append(Example(*named, before, after))
