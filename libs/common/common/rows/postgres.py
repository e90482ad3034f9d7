"""Rows into PostgreSQL: all rows of a statement are one JSON text, and a batch is one round trip.

Both sides take that in a fraction of the time that a statement per row costs them.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    LargeBinary,
    bindparam,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Grouping

from common.rows.statements import Insert, Row, Statement, Work

#: Rows are found by their keys, however small the table was when that was planned.
_PLANS = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"


class PostgresRows:
    """Writes rows through connections of `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._texts: dict[tuple[Statement, tuple[str, ...]], str] = {}

    def open(self, connection: Any) -> Any:
        """A cursor for `write`; each of its statements is a transaction."""
        connection.autocommit = True
        return connection.execute(_PLANS)

    def write(self, cursor: Any, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""
        if len(work) == 1:
            self._run(cursor, *work[0])
            return
        with cursor.connection.pipeline():  # which is one transaction
            for statement, rows in work:
                self._run(cursor, statement, rows)

    def _run(self, cursor: Any, statement: Statement, rows: list[Row]) -> None:
        kind = statement, tuple(rows[0])
        if kind not in self._texts:
            text = _selected(statement, rows[0]).compile(dialect=self._dialect).string
            self._texts[kind] = text
        document, blobs = written(rows)
        cursor.execute(self._texts[kind], {"rows": document, "blobs": blobs}, prepare=True)


def _selected(statement: Statement, row: Row) -> Any:
    """`statement` for all rows of the JSON text `rows`; bytes are numbered, and in `blobs`."""
    values, keys, table = statement.values(row), statement.keys(), statement.table
    types = (column(name, _json_type(of)) for name, of in (values | keys).items())
    given = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(*types)
    given = given.render_derived(name="given", with_types=True)
    blobs = Grouping(bindparam("blobs", type_=ARRAY(LargeBinary)))
    sets = {
        name: blobs[given.c[name]] if _is_blob(of) else given.c[name] for name, of in values.items()
    }
    if isinstance(statement, Insert):
        return insert(table).from_select([*sets], select(*sets.values()), include_defaults=False)
    found = (of == given.c[name] for name, of in keys.items())
    return update(table).where(*found).values(sets)


def _json_type(of: Column[Any]) -> Any:
    return Integer() if _is_blob(of) else of.type


def _is_blob(of: Column[Any]) -> bool:
    return isinstance(of.type, LargeBinary)


def written(rows: list[Row]) -> tuple[str, list[bytes]]:
    """Rows as JSON, and their bytes: in the JSON these are numbers, counted from 1.

    Raises TypeError or ValueError for a value that cannot be stored.
    """
    blobs: list[bytes] = []

    def other(value: object) -> str | int:
        if isinstance(value, bytes):
            blobs.append(value)
            return len(blobs)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        if isinstance(value, datetime | uuid.UUID):
            return str(value)
        raise TypeError(f"{type(value).__name__} cannot be stored")

    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=other), blobs
