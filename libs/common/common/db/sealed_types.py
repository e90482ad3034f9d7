"""Types of columns that are sealed at rest and in clear in every statement's values and rows.

A model says `mapped_column(SealedText(b"what it is"))`, and the process `seals_columns` of its
database. Rows that are given to a statement as JSON pass through `as_stored` before. What is sealed
is bound to its column's purpose, not to its row: statements without the ORM know no row.

Two kinds: what is only read is sealed anew each time (`SealedText`, `SealedDocument`,
`SealedBytes`) and cannot be compared; what is looked up by equality is `SearchableText`: two
of one purpose can be joined. Until `reseal` has turned an installation over, a value is looked for
in clear, too.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

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
    func,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session
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
        seal = self.sealing_searchable(purpose)
        return text if seal is None else seal(text)

    def sealing_searchable(self, purpose: bytes) -> Callable[[str], str] | None:
        """What seals the texts of a statement, not the empty one; None: they stay in clear."""
        if not self.is_on or self.searchable.cipher() is None:
            return None
        return self.searchable.sealing(purpose)


def column_sealer(settings: Environment) -> ColumnSealer:
    """What the keys of an installation make; opens nothing yet."""
    folder = settings.seal_keys_folder
    texts = TextSealer(Sealer(KeyFolder(folder)), settings.seal_bodies)
    return ColumnSealer(texts, SearchableSealer(folder))


#: Where a dialect, of which each engine has its own, holds what seals for it.
_SEALER = "kiungo_column_sealer"


def seals_columns(database: Database, sealer: ColumnSealer) -> None:
    """Let all statements to `database` seal and open with `sealer`."""
    setattr(database.engine.dialect, _SEALER, sealer)


def _sealer_of(dialect: Dialect) -> ColumnSealer | None:
    return getattr(dialect, _SEALER, None)


def keyed_digest(session: Session, purpose: bytes, text: str) -> bytes | None:
    """16 bytes by which a text is known again and not guessed; None where nothing is sealed."""
    sealer = _sealer_of(session.get_bind().dialect)
    return sealer.searchable.digest(purpose, text) if sealer and sealer.is_on else None


class _Sealed(TypeDecorator[Any]):
    """What the types have in common; `purpose` tells columns apart."""

    def __init__(self, purpose: bytes) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """What is stored; nothing and an empty text stay."""
        if value is None or value == "":
            return value
        sealer = _sealer_of(dialect)
        return value if sealer is None else self.seal(sealer, value)

    def storing(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """The same for all values of one statement, for less; None: they stay as they are.

        A value that is the same object again is sealed once.
        """
        sealer = _sealer_of(dialect)
        if sealer is None or not sealer.is_on:
            return None
        seal = partial(self.seal, sealer)
        kept: dict[int, tuple[Any, Any]] = {}  # holds the values, so that no id comes twice

        def stored(value: Any) -> Any:
            if value is None or value == "":
                return value
            found = kept.get(id(value))
            if found is None:
                found = kept[id(value)] = (value, seal(value))
            return found[1]

        return stored

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What was meant; `LOCKED` where the key is gone."""
        sealer = _sealer_of(dialect)
        return value if value is None or sealer is None else self.open(sealer, value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """The same for all rows of a result, for less."""
        if self.impl_instance.result_processor(dialect, coltype) is not None:
            return super().result_processor(dialect, coltype)
        open_ = self.open

        def opened(value: Any) -> Any:
            if value is None:
                return None
            sealer = _sealer_of(dialect)
            return value if sealer is None else open_(sealer, value)

        return opened

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

    def storing(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """The same for all values of one statement, for less; None: they stay as they are."""
        sealer = _sealer_of(dialect)
        return None if sealer is None else sealer.sealing_searchable(self.purpose)

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


def is_any_of(dialect: Dialect, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a column of PostgreSQL holds one of many values: they are one parameter."""
    if not isinstance(column.type, SearchableText):
        is_one: ColumnElement[bool] = column == any_(
            bindparam("among", list(values), ARRAY(column.type), unique=True)
        )
        return is_one
    stored = column.type.storing(dialect)
    forms = [values] if stored is None else [[stored(one) for one in values], values]
    return or_(*(column == any_(_texts(form)) for form in forms))


def _texts(values: Sequence[str]) -> ColumnElement[Any]:
    """An array, given as JSON: the driver takes a hundred times as long to write an array."""
    given = bindparam("among", json.dumps(list(values)), _PLAIN, unique=True)
    each = func.json_array_elements_text(sql_cast(given, JSON))
    return func.array(select(each).scalar_subquery())


def as_stored(
    dialect: Dialect, table: Table, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows whose sealed columns have what is stored: for statements that take them as JSON.

    `rows`, at least one, have the same members.
    """
    found = [dict(row) for row in rows]
    for name, type_ in _sealed_types(table):
        stored = type_.storing(dialect) if name in found[0] else None
        if stored is not None:
            for row in found:
                row[name] = stored(row[name])
    return found


@cache
def _sealed_types(table: Table) -> Sequence[tuple[str, _Sealed]]:
    return [(one.name, cast(_Sealed, one.type)) for one in sealed_in(table)]


def sealed_in(table: Table) -> list[Any]:
    """The sealed columns of a table."""
    return [one for one in table.columns if isinstance(one.type, _Sealed)]
