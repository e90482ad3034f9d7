"""The chain is walked from its first row to its head: the first break is named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from common.audit.chain import hash_of, head_of
from common.audit.models import GENESIS, AuditTables
from common.audit.values import json_text

PURGED = "audit.purged"
_ROWS = 500


@dataclass(frozen=True)
class Verdict:
    """How the chain stands: `problem` is None where it is whole from `first_id` to `last_id`."""

    first_id: int
    last_id: int
    last_hash: str
    problem: str | None = None


def verify(session: Session, tables: AuditTables, known: str | None = None) -> Verdict:
    """Walk all events; `known` is a hash noted elsewhere, which must still be in the chain."""
    start_id, start_hash = checkpoint_of(session, tables)
    head_id, head_hash = head_of(session, tables.head)
    number, previous, seen_known, has_note = (
        start_id,
        start_hash,
        known in (None, start_hash),
        False,
    )

    def broken(problem: str) -> Verdict:
        return Verdict(start_id + 1, number, previous, problem)

    for row in rows_after(session, tables, start_id):
        if row["id"] != number + 1:
            return broken(f"row {number + 1} was removed")
        if hash_of(row) != row["hash"]:
            return broken(f"row {row['id']} was changed")
        if row["previous_hash"] != previous:
            return broken(f"row {row['id']} does not follow the one that was before it")
        number, previous = row["id"], row["hash"]
        seen_known = seen_known or previous == known
        has_note = has_note or _notes(row, start_id, start_hash)
    if number < head_id:
        return broken(f"row {number + 1} was removed")
    if number == head_id and previous != head_hash:
        return broken(f"row {number} is not the one that was written")
    if number > head_of(session, tables.head)[0]:
        return broken(f"row {number} was added by hand")
    if start_id and not has_note:
        return broken(f"rows up to {start_id} were removed, which no {PURGED} says")
    if not seen_known:
        return broken("the hash that you know is not in the chain: it was written anew")
    return Verdict(start_id + 1, number, previous)


def checkpoint_of(session: Session, tables: AuditTables) -> tuple[int, str]:
    """Where the chain begins: after the last event that retention removed."""
    model = tables.checkpoints
    newest = select(model.last_id, model.last_hash).order_by(model.last_id.desc()).limit(1)
    found = session.execute(newest).first()
    return (found.last_id, found.last_hash) if found else (0, GENESIS)


def rows_after(session: Session, tables: AuditTables, event_id: int) -> Iterator[dict[str, Any]]:
    """Events after one, oldest first, as they are stored."""
    model = tables.events
    names = [column.key for column in inspect(model).column_attrs]
    while True:
        some = select(model).where(model.id > event_id).order_by(model.id).limit(_ROWS)
        rows = session.scalars(some).all()
        for row in rows:
            yield {name: getattr(row, name) for name in names}
            event_id = row.id
        session.expunge_all()
        if len(rows) < _ROWS:
            return


def _notes(row: Mapping[str, Any], last_id: int, last_hash: str) -> bool:
    said = json_text({"last_id": last_id, "last_hash": last_hash})
    return bool(row["act"] == PURGED and row["after"] == said)
