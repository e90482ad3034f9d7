"""Records are stored by their key, the bad ones reported; what points at nothing yet, too.

A record replaces the one before as a whole, unless that one is newer by `validity_from`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import marshmallow as ma
from common.db.database import insert_into
from common.web.fields import check_storable
from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from policy_notify.intake.among import among
from policy_notify.intake.bodies import Unreadable
from policy_notify.intake.conversions import sole_rebuild
from policy_notify.intake.kinds import Kind, table_of
from policy_notify.intake.reading import Reading, current_reading, reading_as
from policy_notify.intake.waiting_consents import settle_waiting

#: uuids asked for in one statement.
CHUNK = 5_000


@dataclass(frozen=True)
class RejectedRecord:
    """A record that was not stored: its place in the body, and the reasons by field."""

    index: int
    uuid: str | None
    errors: Mapping[str, Any]


@dataclass(frozen=True)
class Waiting:
    """A stored record that points at a record that is not there yet."""

    index: int
    uuid: UUID
    field: str
    missing: UUID


@dataclass
class Outcome:
    """What came of a bulk upsert; `outdated`: places of records older than what is stored."""

    received: int = 0
    stored: int = 0
    changed: int = 0
    outdated: list[int] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every record was stored."""
        return not self.rejected


@dataclass
class Checked:
    """The good records with their places, the last of each uuid, and the bad ones."""

    good: dict[UUID, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    rejected: list[RejectedRecord] = field(default_factory=list)

    def keep(self, key: UUID, index: int, record: dict[str, Any]) -> None:
        """The later of two records for a key counts: by `validity_from`, else by its place."""
        before = self.good.get(key)
        if before is None or not _is_older(record, before[1]):
            self.good[key] = (index, record)


def _is_older(record: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    since, since_other = record.get("validity_from"), other.get("validity_from")
    return since is not None and since_other is not None and since < since_other


def check(kind: Kind, records: Iterable[Any]) -> Checked:
    """Tell good records from bad ones."""
    checked = Checked()
    for index, record in enumerate(records):
        try:
            loaded = _load(kind, record)
        except ma.ValidationError as exc:
            checked.rejected.append(
                RejectedRecord(index, _claimed_uuid(record), exc.normalized_messages())
            )
        else:
            checked.keep(loaded[kind.key], index, loaded)
    return checked


def _load(kind: Kind, record: Any) -> dict[str, Any]:
    if isinstance(record, Unreadable):
        raise ma.ValidationError(record.reason)
    if isinstance(record, dict):
        for name in record:
            check_storable(name)  # an unknown member is reported by its name
    ignores = current_reading().ignores_unknown
    loaded: dict[str, Any] = kind.schema.load(record, unknown="exclude" if ignores else "raise")
    return loaded


def _claimed_uuid(record: Any) -> str | None:
    claimed = record.get("uuid") if isinstance(record, dict) else None
    return claimed[:64] if isinstance(claimed, str) else None


def store(
    session: Session, kind: Kind, records: Sequence[Any], reading: Reading | None = None
) -> Outcome:
    """Upsert `records` of one kind in the caller's transaction, read as `reading` says."""
    with reading_as(reading or current_reading()):
        checked = check(kind, records)
        return store_checked(session, kind, checked, len(records))


def store_checked(
    session: Session, kind: Kind, checked: Checked, received: int, *, reports_waiting: bool = True
) -> Outcome:
    """Upsert records that were checked; the languages of `current_reading` are the scheme's."""
    rows = {key: loaded for key, (_, loaded) in checked.good.items()}
    stored = _stored(session, kind, list(rows))
    outdated = {key for key, row in rows.items() if key in stored and _is_older(row, stored[key])}
    changed = [
        row
        for key, row in rows.items()
        if key not in outdated and _differs(kind, row, stored.get(key))
    ]
    if changed:
        with sole_rebuild(session) if kind.name == "products" else nullcontext():
            _upsert(session, kind, changed)
        if kind.name in ("families", "insurees"):
            settle_waiting(session, current_reading().languages)
    return Outcome(
        received,
        received - len(checked.rejected) - len(outdated),
        len(changed),
        sorted(index for key, (index, _) in checked.good.items() if key in outdated),
        checked.rejected,
        _waiting(session, kind, checked) if reports_waiting else [],
    )


def _stored(session: Session, kind: Kind, keys: list[UUID]) -> dict[UUID, Mapping[Any, Any]]:
    """What is stored under `keys`, by our names of the fields."""
    key, found = kind.columns[kind.key], dict[UUID, Mapping[Any, Any]]()
    labelled = [column.label(name) for name, column in kind.columns.items()]
    if hasattr(kind.model, "erased_at"):
        labelled.append(kind.model.erased_at.label("erased_at"))
    for start in range(0, len(keys), CHUNK):
        query = select(*labelled).where(among(session, key, keys[start : start + CHUNK]))
        found.update((row[kind.key], row) for row in session.execute(query).mappings())
    return found


def _differs(kind: Kind, row: Mapping[str, Any], stored: Mapping[Any, Any] | None) -> bool:
    """Whether storing `row` changes anything."""
    if stored is None:
        return True
    if stored.get("erased_at") is not None:
        return False
    if kind.is_merged:
        return any(row[name] is not None and stored[name] is None for name in kind.columns)
    return any(row[name] != stored[name] for name in kind.columns)


def _upsert(session: Session, kind: Kind, rows: list[dict[str, Any]]) -> None:
    """Store rows; one that another writer made newer meanwhile stays."""
    key, table = kind.columns[kind.key], kind.model.__table__
    insert = insert_into(session, table)
    names = {field: column.name for field, column in kind.columns.items()}
    old, new = table.c, insert.excluded
    changes = {
        name: func.coalesce(old[name], new[name]) if kind.is_merged else new[name]
        for field, name in names.items()
        if field != kind.key
    }
    statement = insert.on_conflict_do_update(
        index_elements=[key.name], set_=changes, where=and_(true(), *_may_replace(kind, old, new))
    )
    # In the order of the key, two bulk writers cannot wait for each other crosswise.
    ordered = sorted(rows, key=lambda row: row[kind.key])
    session.execute(
        statement, [{name: row[field] for field, name in names.items()} for row in ordered]
    )


def _may_replace(kind: Kind, old: Any, new: Any) -> Iterator[ColumnElement[bool]]:
    if "validity_from" in kind.columns:
        name = kind.columns["validity_from"].name
        yield or_(old[name].is_(None), new[name].is_(None), new[name] >= old[name])
    if "erased_at" in old:
        yield old.erased_at.is_(None)


def _waiting(session: Session, kind: Kind, checked: Checked) -> list[Waiting]:
    found = []
    for name, target in kind.references.items():
        wanted = {row[name] for _, row in checked.good.values() if row[name] is not None}
        missing = wanted - _known(session, target, wanted)
        found += [
            Waiting(index, row[kind.key], name, row[name])
            for index, row in checked.good.values()
            if row[name] in missing
        ]
    return sorted(found, key=lambda one: one.index)


def _known(session: Session, target: str, wanted: set[UUID]) -> set[UUID]:
    column = table_of(target).uuid
    ids, known = list(wanted), set[UUID]()
    for start in range(0, len(ids), CHUNK):
        known.update(
            session.scalars(
                select(column).where(among(session, column, ids[start : start + CHUNK]))
            )
        )
    return known
