"""Records are stored by uuid, the bad ones reported; what points at nothing yet is reported too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import marshmallow as ma
from common.database import insert_into
from common.fields import check_storable
from sqlalchemy import select
from sqlalchemy.orm import Session

from policy_notify.intake.bodies import Unreadable
from policy_notify.intake.conversions import sole_rebuild
from policy_notify.intake.kinds import Kind, table_of

#: uuids asked for in one statement.
CHUNK = 5_000


@dataclass(frozen=True)
class Refused:
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
    """What came of a bulk upsert."""

    received: int = 0
    stored: int = 0
    rejected: list[Refused] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every record was stored."""
        return not self.rejected


@dataclass
class Checked:
    """The good records with their places, the last of each uuid, and the bad ones."""

    good: dict[UUID, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    rejected: list[Refused] = field(default_factory=list)


def check(kind: Kind, records: Iterable[Any]) -> Checked:
    """Tell good records from bad ones. Pure."""
    checked = Checked()
    for index, record in enumerate(records):
        try:
            loaded = _load(kind, record)
        except ma.ValidationError as exc:
            checked.rejected.append(
                Refused(index, _claimed_uuid(record), exc.normalized_messages())
            )
        else:
            checked.good[loaded["uuid"]] = (index, loaded)
    return checked


def _load(kind: Kind, record: Any) -> dict[str, Any]:
    if isinstance(record, Unreadable):
        raise ma.ValidationError(record.reason)
    if isinstance(record, dict):
        for name in record:
            check_storable(name)  # an unknown member is reported by its name
    loaded: dict[str, Any] = kind.schema.load(record)
    return loaded


def _claimed_uuid(record: Any) -> str | None:
    claimed = record.get("uuid") if isinstance(record, dict) else None
    return claimed[:64] if isinstance(claimed, str) else None


def store(session: Session, kind: Kind, records: Sequence[Any]) -> Outcome:
    """Upsert `records` of one kind in the caller's transaction."""
    checked = check(kind, records)
    rows = [loaded for _, loaded in checked.good.values()]
    if rows and kind.name == "products":
        with sole_rebuild(session):
            _upsert(session, kind, rows)
    elif rows:
        _upsert(session, kind, rows)
    stored = len(records) - len(checked.rejected)
    return Outcome(len(records), stored, checked.rejected, _waiting(session, kind, checked))


def _upsert(session: Session, kind: Kind, rows: list[dict[str, Any]]) -> None:
    statement = insert_into(session, kind.model.__table__)
    changes = {column.name: column for column in statement.excluded if column.name != "uuid"}
    # In the order of the key, two bulk writers cannot wait for each other crosswise.
    ordered = sorted(rows, key=lambda row: row["uuid"])
    session.execute(statement.on_conflict_do_update(index_elements=["uuid"], set_=changes), ordered)


def _waiting(session: Session, kind: Kind, checked: Checked) -> list[Waiting]:
    found = []
    for name, target in kind.references.items():
        wanted = {row[name] for _, row in checked.good.values() if row[name] is not None}
        missing = wanted - _known(session, target, wanted)
        found += [
            Waiting(index, row["uuid"], name, row[name])
            for index, row in checked.good.values()
            if row[name] in missing
        ]
    return sorted(found, key=lambda one: one.index)


def _known(session: Session, target: str, wanted: set[UUID]) -> set[UUID]:
    column = table_of(target).uuid
    ids, known = list(wanted), set[UUID]()
    for start in range(0, len(ids), CHUNK):
        known.update(session.scalars(select(column).where(column.in_(ids[start : start + CHUNK]))))
    return known
