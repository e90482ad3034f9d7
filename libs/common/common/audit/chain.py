"""Events are appended one after the other, each with the digest of the one before it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from common.audit.models import GENESIS, NAME_CHARS, AuditTables
from common.audit.values import json_text, line
from common.clock import rfc3339
from common.db.database import insert_into

_HEAD = 1
_HASHED = (
    "actor_kind",
    "actor",
    "act",
    "object_kind",
    "object_id",
    "object_name",
    "before",
    "after",
    "address",
    "correlation_id",
    "previous_hash",
)


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is `staff`, `client` or `command`."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What was done to what; `actor` only where the request does not tell who acts."""

    act: str
    object_kind: str = ""
    object_id: Any = ""
    object_name: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    actor: Actor | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who acts, from where, within which request, and when."""

    actor: Actor
    address: str
    correlation_id: str
    at: datetime


def hash_of(row: Mapping[str, Any]) -> str:
    """SHA-256 over all of a row but its own hash, in hexadecimal digits."""
    content = [row["id"], rfc3339(row["at"]), *(row[name] for name in _HASHED)]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def append(
    session: Session, tables: AuditTables, drafts: Sequence[Draft], source: Source
) -> list[dict[str, Any]]:
    """Add events at the end of the chain, and hold that end until the commit; gives the rows.

    On PostgreSQL others wait for the head's row, on SQLite for the database's one writer.
    """
    last_id, last_hash = _locked_head(session, tables.head)
    rows = []
    for draft in drafts:
        row = _row(last_id + 1, last_hash, draft, source)
        last_id, last_hash = row["id"], row["hash"]
        rows.append(row)
    session.execute(insert(tables.events), rows)
    moved = update(tables.head).where(tables.head.id == _HEAD)
    session.execute(
        moved.values(last_id=last_id, last_hash=last_hash),
        execution_options={"synchronize_session": False},
    )
    return rows


def head_of(session: Session, head: type[Any]) -> tuple[int, str]:
    """Id and hash of the last event; zero and `GENESIS` before the first."""
    found = session.execute(select(head.last_id, head.last_hash).where(head.id == _HEAD)).first()
    return (found.last_id, found.last_hash) if found else (0, GENESIS)


def _locked_head(session: Session, head: type[Any]) -> tuple[int, str]:
    locked = select(head.last_id, head.last_hash).where(head.id == _HEAD).with_for_update()
    found = session.execute(locked).first()
    if found is None:
        first = insert_into(session, head).values(id=_HEAD, last_id=0, last_hash=GENESIS)
        session.execute(first.on_conflict_do_nothing())
        found = session.execute(locked).one()
    return found.last_id, found.last_hash


def _row(number: int, previous: str, draft: Draft, source: Source) -> dict[str, Any]:
    actor = draft.actor or source.actor
    row = {
        "id": number,
        "at": source.at,
        "actor_kind": actor.kind,
        "actor": line(actor.name, NAME_CHARS),
        "act": line(draft.act, 100),
        "object_kind": line(draft.object_kind, 64),
        "object_id": line(draft.object_id, NAME_CHARS),
        "object_name": line(draft.object_name, NAME_CHARS),
        "before": json_text(draft.before),
        "after": json_text(draft.after),
        "address": line(source.address, 64),
        "correlation_id": line(source.correlation_id, 64),
        "previous_hash": previous,
    }
    return {**row, "hash": hash_of(row)}
