"""Changes that a session is about to commit, as events: before and after of what changed."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from common.audit.chain import Draft
from common.audit.values import digest, plain

#: Every record has them, and they say nothing of what was done.
_CLOCKS = frozenset({"created_at", "updated_at", "revision"})


#: Columns that hold a secret by their name: one that is added later is a digest, too.
_SECRET = re.compile("secret|password|passphrase|credential|token|private|hash|api_key")


def _no_name(_row: Any) -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """A kind of record whose changes count.

    `digested` are columns that hold secrets, bodies or people: only whether they changed is kept,
    as of columns whose names say that they hold a secret.
    """

    name: str
    label: Callable[[Any], str] = _no_name
    digested: frozenset[str] = field(default_factory=frozenset)
    left_out: frozenset[str] = field(default_factory=frozenset)

    def shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What an event keeps of these values."""
        return {
            name: digest(value) if self._is_digested(name) and value is not None else plain(value)
            for name, value in values.items()
            if name not in self.left_out and name not in _CLOCKS
        }

    def _is_digested(self, name: str) -> bool:
        return name in self.digested or _SECRET.search(name) is not None


Kinds = Mapping[type[Any], Kind]


def changes_of(session: Session, kinds: Kinds) -> Iterator[Draft]:
    """The changes of records that count; to be asked after a flush, before its commit."""
    for row in session.new:
        if kind := kinds.get(type(row)):
            yield _draft(kind, row, "created", None, _values(row))
    for row in session.dirty:
        if kind := kinds.get(type(row)):
            yield from _updated(kind, row)
            yield from _orphans(kinds, row)
    for row in session.deleted:
        if kind := kinds.get(type(row)):
            yield _draft(kind, row, "deleted", _values(row), None)


def _updated(kind: Kind, row: Any) -> Iterator[Draft]:
    state = inspect(row)
    before, after = {}, {}
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if history.added and (not history.deleted or history.deleted[0] != history.added[0]):
            after[column.key] = history.added[0]
            before.update({column.key: history.deleted[0]} if history.deleted else {})
    shown = kind.shown(after)
    if shown:
        yield _draft(kind, row, "updated", before, after)


def _orphans(kinds: Kinds, row: Any) -> Iterator[Draft]:
    """Records that end because this one no longer holds them: no session lists them as deleted."""
    state = inspect(row)
    for relation in state.mapper.relationships:
        if not relation.cascade.delete_orphan:
            continue
        for child in state.attrs[relation.key].history.deleted or ():
            if kind := kinds.get(type(child)):
                yield _draft(kind, child, "deleted", _values(child), None)


def _draft(
    kind: Kind,
    row: Any,
    verb: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Draft:
    return Draft(
        act=f"{kind.name}.{verb}",
        object_kind=kind.name,
        object_id=_identity(kind, row),
        object_name=kind.label(row),
        before=None if before is None else kind.shown(before),
        after=None if after is None else kind.shown(after),
    )


def _identity(kind: Kind, row: Any) -> str:
    mapper = inspect(row).mapper
    keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    values = kind.shown({key: getattr(row, key) for key in keys})
    return "/".join(str(value) for value in values.values())


def _values(row: Any) -> dict[str, Any]:
    """The columns that were loaded or set; the rest is the database's, as it was."""
    state = inspect(row)
    return {
        column.key: state.dict[column.key]
        for column in state.mapper.column_attrs
        if column.key in state.dict
    }
