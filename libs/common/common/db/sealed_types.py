"""Types of columns that are sealed at rest and in clear in every statement's values and rows.

A model says `mapped_column(SealedText(b"what it is"))`, and the process `seals_columns` of its
database. Rows that are given to a statement as JSON pass through `as_stored` before. What is sealed
is bound to its column's purpose, not to its row: statements without the ORM know no row.

Two kinds: what is only read is sealed anew each time (`SealedText`, `SealedDocument`,
`SealedBytes`) and cannot be compared; what is looked up by equality is `SearchableText`: two
of one purpose can be joined. Until `reseal` has turned an installation over, a value is looked for
in clear, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Dialect,
    LargeBinary,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    or_,
)
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from common.db.database import Database
from common.db.sealed_texts import LOCKED, TextSealer
from common.sealing import KeyFolder, Sealer
from common.searchable_sealing import SearchableSealer
from common.settings import Environment

_PLAIN = Text()
_READ_ONLY = {operators.is_, operators.is_not}
_SEARCHED = {*_READ_ONLY, operators.is_distinct_from, operators.is_not_distinct_from}
_BOTH: dict[Any, Callable[..., ColumnElement[bool]]] = {
    operators.eq: or_,
    operators.in_op: or_,
    operators.ne: and_,
    operators.not_in_op: and_,
}


@dataclass(frozen=True)
class ColumnSealer:
    """What seals the columns of a database."""

    texts: TextSealer
    searchable: SearchableSealer

    @property
    def is_on(self) -> bool:
        """Whether what is written from now on is sealed."""
        return self.texts.is_wanted and self.texts.sealer.has_keys

    def seal_searchable(self, purpose: bytes, text: str) -> str:
        """The text as it is stored; in clear where there is no key to search with."""
        is_sealed = self.is_on and self.searchable.cipher() is not None
        return self.searchable.seal(purpose, text) if is_sealed else text


def column_sealer(settings: Environment) -> ColumnSealer:
    """What the keys of an installation make; opens nothing yet."""
    folder = settings.seal_keys_folder
    texts = TextSealer(Sealer(KeyFolder(folder)), settings.seal_bodies)
    return ColumnSealer(texts, SearchableSealer(folder))


_SEALERS: WeakKeyDictionary[Dialect, ColumnSealer] = WeakKeyDictionary()


def seals_columns(database: Database, sealer: ColumnSealer) -> None:
    """Let all statements to `database` seal and open with `sealer`."""
    _SEALERS[database.engine.dialect] = sealer


class _Sealed(TypeDecorator[Any]):
    """What the types have in common; `purpose` tells columns apart."""

    def __init__(self, purpose: bytes) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """What is stored; nothing and an empty text stay."""
        if value is None or value == "":
            return value
        sealer = _SEALERS.get(dialect)
        return value if sealer is None else self.seal(sealer, value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What was meant; `LOCKED` where the key is gone."""
        sealer = _SEALERS.get(dialect)
        return value if value is None or sealer is None else self.open(sealer, value)

    def seal(self, sealer: ColumnSealer, value: Any) -> Any:
        """A value as it is stored."""
        return sealer.texts.seal(self.purpose, b"", value)

    def open(self, sealer: ColumnSealer, stored: Any) -> Any:
        """The same again."""
        return sealer.texts.open(self.purpose, b"", stored)

    class Comparator(TypeDecorator.Comparator[Any]):
        """A sealed column is there or not."""

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            """Raises TypeError: what is sealed cannot be compared, nor put in order."""
            value = other[0] if other else None
            # SQLAlchemy itself asks whether two columns are the same.
            is_asked = op in (operators.eq, operators.ne) and (
                value is None or hasattr(value, "__clause_element__")
            )
            if op not in _READ_ONLY and not is_asked:
                raise TypeError(f"{self.expr} is sealed: {op.__name__} would find nothing")
            return super().operate(op, *other, **kwargs)

    comparator_factory = Comparator


class SealedText(_Sealed):
    """A text that is only read."""

    impl = Text
    cache_ok = True


class SealedBytes(_Sealed):
    """Bytes that are only read."""

    impl = LargeBinary
    cache_ok = True


class SealedDocument(_Sealed):
    """A JSON document that is only read; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def seal(self, sealer: ColumnSealer, value: Any) -> Any:
        """A text stands for the document."""
        return sealer.texts.sealer.seal_json(self.purpose, b"", value) if sealer.is_on else value

    def open(self, sealer: ColumnSealer, stored: Any) -> Any:
        """The document; `LOCKED` under its own name where the key is gone."""
        found = sealer.texts.sealer.open_json(self.purpose, b"", stored)
        return {LOCKED: None} if found is None else found


class SearchableText(_Sealed):
    """A text that is looked up by equality."""

    impl = Text
    cache_ok = True

    def seal(self, sealer: ColumnSealer, value: str) -> str:
        """Equal texts alike."""
        return sealer.seal_searchable(self.purpose, value)

    def open(self, sealer: ColumnSealer, stored: str) -> str:
        """The same again."""
        found = sealer.searchable.open(self.purpose, stored)
        return LOCKED if found is None else found

    class Comparator(TypeDecorator.Comparator[Any]):
        """Equality is of what was meant, whether it is sealed already or not."""

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            """Raises TypeError for orders and parts of texts: sealed ones have none."""
            if op not in _SEARCHED and op not in _BOTH:
                raise TypeError(f"{self.expr} is sealed: {op.__name__} would find nothing")
            value = other[0] if other else None
            if op in _SEARCHED or value is None or hasattr(value, "__clause_element__"):
                return super().operate(op, *other, **kwargs)
            is_list = op in (operators.in_op, operators.not_in_op)
            forms = (
                bindparam(None, value, type_, unique=True, expanding=is_list)
                for type_ in (self.type, _PLAIN)
            )
            return _BOTH[op](
                *(super(SearchableText.Comparator, self).operate(op, one) for one in forms)
            )

    comparator_factory = Comparator  # type: ignore[assignment]


def is_any_of(column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a column of PostgreSQL holds one of many values: they are one parameter."""
    forms = [column.type, *([_PLAIN] if isinstance(column.type, SearchableText) else [])]
    lists = (bindparam("among", list(values), ARRAY(form), unique=True) for form in forms)
    return or_(*(column == any_(one) for one in lists))


def as_stored(dialect: Dialect, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose sealed columns have what is stored: for statements that take it as JSON."""
    found = dict(row)
    for name, type_ in _sealed_types(table):
        if name in found:
            found[name] = type_.process_bind_param(found[name], dialect)
    return found


@cache
def _sealed_types(table: Table) -> Sequence[tuple[str, _Sealed]]:
    return [(one.name, cast(_Sealed, one.type)) for one in sealed_in(table)]


def sealed_in(table: Table) -> list[Any]:
    """The sealed columns of a table."""
    return [one for one in table.columns if isinstance(one.type, _Sealed)]
