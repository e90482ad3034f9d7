"""The rows of a batch change within a session's transaction.

On PostgreSQL by one statement in which they are one JSON text; on SQLite, where that is no gain, by
one for each.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from common.db.database import is_sqlite
from common.db.rows.postgres import insert_statement, rows_statement
from common.db.rows.statements import Change, Row
from common.db.sealed_types import SealedDocument, as_stored, is_any_of
from sqlalchemy import JSON, ColumnElement, CursorResult, Table, Text, bindparam, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

_encoded = msgspec.json.Encoder().encode
_GIVEN = bindparam("rows", type_=Text)


def change_rows(session: Session, change: Change, rows: list[Row]) -> None:
    """Each of `rows`, at least one, sets `change.names` where the key is what it holds."""
    engine = session.get_bind().engine
    if is_sqlite(engine):
        session.execute(_for_each(change), rows)
    else:
        stored = as_stored(engine.dialect, change.table, rows)
        session.execute(_for_all(change), {"rows": _encoded(stored).decode()})


def add_new_rows(session: Session, table: Table, rows: list[Row]) -> int:
    """Add those of `rows` that no row with a unique value of theirs stands in the way of.

    `rows`, at least one, have the same members. Returns how many were added.
    """
    given: Any = rows
    engine = session.get_bind().engine
    if is_sqlite(engine):
        statement = sqlite.insert(table).on_conflict_do_nothing()
    else:
        kinds = (JSON, SealedDocument)
        documents = [name for name in rows[0] if isinstance(table.c[name].type, kinds)]
        stored = as_stored(engine.dialect, table, rows)
        given = {"rows": _encoded([_with_text(row, documents) for row in stored]).decode()}
        statement = _adding(table, tuple(rows[0]))
    done = session.execute(statement, given, execution_options={"preserve_rowcount": True})
    assert isinstance(done, CursorResult)
    return done.rowcount


def _with_text(row: Row, documents: list[str]) -> Row:
    """JSON columns may hold numbers that only the house's own writer knows."""
    given = {name: json.dumps(row[name]).encode() for name in documents if row[name] is not None}
    return {**row, **{name: msgspec.Raw(text) for name, text in given.items()}} if given else row


@cache
def _adding(table: Table, names: tuple[str, ...]) -> Any:
    return insert_statement(table, names, _GIVEN).on_conflict_do_nothing()


@cache
def _for_all(change: Change) -> Any:
    return rows_statement(change, _GIVEN)


@cache
def _for_each(change: Change) -> Any:
    keys = change.keys().items()
    return update(change.table).where(*(column == bindparam(name) for name, column in keys))


def is_one_of(session: Session, column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column holds one of many texts: one parameter on PostgreSQL, however many."""
    engine = session.get_bind().engine
    if is_sqlite(engine):
        found: ColumnElement[bool] = column.in_(values)
        return found
    return is_any_of(engine.dialect, column, values)
