"""What `reseal` looks at where columns have the types of `common.db.sealed_types`: all of them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData, Table, UniqueConstraint, func
from sqlalchemy.types import TypeDecorator

from common.db.sealed_texts import LOCKED
from common.db.sealed_types import ColumnSealer, SealedText, SearchableText, sealed_in
from common.resealing import SealedColumn, Values
from common.searchable_sealing import MARK


def sealed_columns(metadata: MetaData, sealer: ColumnSealer) -> list[SealedColumn]:
    """The sealed columns of all tables."""
    return [
        _column(sealer, plain_table(table), column)
        for table in metadata.sorted_tables
        for column in sealed_in(table)
    ]


def plain_table(table: Table) -> Table:
    """The table as it is stored: nothing opens what is read, nor seals what is written."""
    columns = [
        Column(one.name, _stored_type(one.type), primary_key=one.primary_key)
        for one in table.columns
    ]
    return Table(table.name, MetaData(), *columns)


def _stored_type(of: Any) -> Any:
    return of.impl if isinstance(of, TypeDecorator) and hasattr(of, "purpose") else of


def _column(sealer: ColumnSealer, plain: Table, column: Any) -> SealedColumn:
    name, purpose = column.name, column.type.purpose
    if isinstance(column.type, SearchableText):
        return SealedColumn(
            plain,
            name,
            purpose,
            _no_row,
            rewrite=lambda row: _sealed_alike(sealer, name, purpose, row.stored),
            only=lambda table: _is_in_clear(table.c[name]),
            is_searchable=True,
            may_collide=_is_unique(column),
        )
    said = _says_something(name) if isinstance(column.type, SealedText) else None
    return SealedColumn(plain, name, purpose, _no_row, may_be_clear=True, only=said)


def _says_something(name: str) -> Callable[[Table], ColumnElement[bool]]:
    return lambda table: table.c[name] != ""


def _no_row(_row: Any) -> bytes:
    return b""


def _sealed_alike(sealer: ColumnSealer, name: str, purpose: bytes, text: str) -> Values | None:
    return {name: sealer.searchable.seal(purpose, text)}


def _is_in_clear(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return (
        column.is_not(None)
        & column.not_in(["", LOCKED])
        & (func.substr(column, 1, len(MARK)) != MARK)
    )


def _is_unique(column: Any) -> bool:
    constraints = column.table.constraints
    together = any(
        isinstance(one, UniqueConstraint) and column in one.columns.values() for one in constraints
    )
    return bool(column.primary_key or column.unique or together)
