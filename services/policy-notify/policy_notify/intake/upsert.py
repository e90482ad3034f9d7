"""Records are stored by their key, the bad ones reported; what points at nothing yet, too.

A record replaces the one before as a whole, unless that one is newer by `validity_from`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import marshmallow as ma
from common.db.database import insert_into
from common.web.fields import check_storable
from sqlalchemy import ColumnElement, CursorResult, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from policy_notify.intake.among import among
from policy_notify.intake.bodies import Unreadable
from policy_notify.intake.conversions import lock_successions, rebuild_successions
from policy_notify.intake.given import GIVEN, given_rows, given_text
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
                RejectedRecord(index, _claimed_uuid(kind, record), exc.normalized_messages())
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


def _claimed_uuid(kind: Kind, record: Any) -> str | None:
    claimed = record.get(kind.key) if isinstance(record, dict) else None
    return claimed[:64] if isinstance(claimed, str) else None


def store(
    session: Session, kind: Kind, records: Sequence[Any], reading: Reading | None = None
) -> Outcome:
    """Upsert `records` of one kind in the caller's transaction, read as `reading` says."""
    with reading_as(reading or current_reading()):
        checked = check(kind, records)
        return store_checked(session, kind, checked, len(records))


def store_checked(
    session: Session, kind: Kind, checked: Checked, received: int, *, reports_places: bool = True
) -> Outcome:
    """Upsert records that were checked; the languages of `current_reading` are the scheme's.

    `reports_places`: which records were outdated, and which wait.
    """
    given = _Given(session, kind, [row for _, row in checked.good.values()])
    outcome = Outcome(received, len(checked.good), rejected=checked.rejected)
    if checked.good:
        outcome.changed = _changed(session, given, list(checked.good))
    if checked.good and reports_places:
        outcome.outdated = sorted(checked.good[key][0] for key in given.outdated())
        outcome.waiting = _waiting(session, kind, checked)
    outcome.stored = received - len(checked.rejected) - len(outcome.outdated)
    return outcome


def _changed(session: Session, given: "_Given", keys: list[UUID]) -> int:
    """Store what differs, and bring up to date what follows from it; returns how many."""
    if given.kind.name == "products":
        lock_successions(session)
    changed = given.upsert()
    if changed and given.kind.name == "products":
        rebuild_successions(session)
    if changed and given.kind.name in ("families", "insurees"):
        came = among(session.get_bind().dialect, given.kind.columns["uuid"], keys)
        settle_waiting(session, current_reading().languages, came)
    return changed


class _Given:
    """Rows of one kind, to be compared with its table by the database itself."""

    def __init__(self, session: Session, kind: Kind, rows: list[dict[str, Any]]) -> None:
        self.kind = kind
        self._session = session
        self._table: Any = kind.model.__table__
        self._rows = given_rows(session, kind.columns)
        self._new = self._rows.c
        self._old = {name: self._table.c[of.name] for name, of in kind.columns.items()}
        self._text = given_text(session, kind.columns, rows)
        self._same_key = self._old[kind.key] == self._new[kind.key]

    def upsert(self) -> int:
        """Store the rows that change something; one that another writer made newer stays."""
        names = {name: of.name for name, of in self.kind.columns.items()}
        insert = insert_into(self._session, self._table).from_select(
            list(names.values()), self._changes(), include_defaults=False
        )
        old, new = self._table.c, insert.excluded
        is_merged = self.kind.is_merged
        changes = {
            name: func.coalesce(old[name], new[name]) if is_merged else new[name]
            for field, name in names.items()
            if field != self.kind.key
        }
        if "revision" in old:
            changes["revision"] = old.revision + 1
        statement = insert.on_conflict_do_update(
            index_elements=[names[self.kind.key]], set_=changes, where=self._may_replace(new)
        ).execution_options(preserve_rowcount=True)
        done = self._session.execute(statement, {GIVEN: self._text})
        assert isinstance(done, CursorResult)
        return done.rowcount

    def _changes(self) -> Select[Any]:
        # In the order of the key, two bulk writers cannot wait for each other crosswise.
        return (
            select(*(self._new[name] for name in self._old))
            .select_from(self._rows.outerjoin(self._table, self._same_key))
            .where(or_(self._old[self.kind.key].is_(None), self._differs()))
            .order_by(self._new[self.kind.key])
        )

    def _differs(self) -> ColumnElement[bool]:
        """Whether storing a row in the place of the one that is there changes anything."""
        old, new = self._old, self._new
        if self.kind.is_merged:
            return or_(*(and_(new[name].is_not(None), old[name].is_(None)) for name in old))
        return or_(*(new[name].is_distinct_from(old[name]) for name in old))

    def _may_replace(self, new: Any) -> ColumnElement[bool]:
        """Whether `new` is no older than what is stored; what was erased never comes again."""
        old, since = self._table.c, self.kind.columns.get("validity_from")
        allowed: list[ColumnElement[bool]] = []
        if since is not None:
            is_newer = new[since.name] >= old[since.name]
            allowed.append(or_(old[since.name].is_(None), new[since.name].is_(None), is_newer))
        if "erased_at" in old:
            allowed.append(old.erased_at.is_(None))
        return and_(true(), *allowed)

    def outdated(self) -> Sequence[UUID]:
        """The keys of rows that are older than what is stored."""
        if "validity_from" not in self._old:
            return []
        query = (
            select(self._new[self.kind.key])
            .select_from(self._rows.join(self._table, self._same_key))
            .where(self._new.validity_from < self._old["validity_from"])
        )
        return self._session.scalars(query, {GIVEN: self._text}).all()


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
                select(column).where(
                    among(session.get_bind().dialect, column, ids[start : start + CHUNK])
                )
            )
        )
    return known
