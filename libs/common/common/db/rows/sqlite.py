"""Rows into SQLite, all in one transaction; as many as can be by one statement.

The driver lets go of Python's lock for each statement, and gets it back only once the event loop
gives it up, which under load takes longer than a row.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, bindparam, delete, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from common.db.rows.errors import AlreadyThere, DatabaseAway, WriteFailed
from common.db.rows.statements import (
    Change,
    Insert,
    Remove,
    Replace,
    Row,
    Statement,
    Work,
    replacing,
)
from common.db.write_lock import WriteLock

#: The member of a row that a value comes from, and how it becomes one that the driver takes.
Bind = tuple[str, Callable[[Any], Any] | None]
#: A statement, and what it is run with, once for each.
Run = tuple[str, list[list[Any]]]
#: By one statement: the sizes are powers of two, so that few texts are prepared.
MOST_ROWS = 64
#: Older versions change each row by a statement of its own.
UPDATE_FROM = (3, 33)


@dataclass(frozen=True)
class _Prepared:
    """A statement for one row, and where it can take several the text before and behind them."""

    text: str
    binds: list[Bind]
    several: tuple[str, str] | None

    def runs(self, rows: Sequence[Row]) -> Iterator[Run]:
        """The statements that write `rows`."""
        bound = [[bind(row[of]) if bind else row[of] for of, bind in self.binds] for row in rows]
        if self.several is None:
            yield self.text, bound
            return
        before, behind = self.several
        one = f"({', '.join('?' * len(self.binds))})"
        while bound:
            size = min(1 << (len(bound).bit_length() - 1), MOST_ROWS)
            taken, bound = bound[:size], bound[size:]
            text = self.text if size == 1 else before + ", ".join([one] * size) + behind
            yield text, [[value for row in taken for value in row]]


class SqliteRows:
    """Writes rows through a connection of `engine`, which one thread uses."""

    #: Not measured to gain anything.
    worth_waiting_s = 0.0

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._lock = WriteLock(engine)
        self._prepared: dict[tuple[Statement, tuple[str, ...]], _Prepared] = {}
        self._connection: PoolProxiedConnection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")

    async def write(self, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""
        await self._in_thread(lambda: self._write(work))

    async def holds(self, statement: Insert, row: Row) -> bool:
        """Whether the table of `statement` has a row with the key of `row`: no reply is lost."""
        return False

    async def disconnect(self) -> None:
        """Let the connection go; the next use opens another."""
        await self._in_thread(self._disconnect)

    async def _in_thread(self, act: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _write(self, work: Sequence[Work]) -> None:
        try:
            runs = [run for statement, rows in work for run in self._runs(statement, rows)]
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            with self._lock:
                _commit(self._connection.driver_connection, runs)
        except sqlite3.IntegrityError as exc:
            raise AlreadyThere(type(exc).__name__) from exc
        except (sqlite3.OperationalError, OperationalError) as exc:
            self._disconnect()
            raise DatabaseAway(type(exc).__name__) from exc
        except Exception as exc:  # the driver raises what it likes for a value it does not take
            self._disconnect()
            raise WriteFailed(type(exc).__name__) from exc

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _runs(self, statement: Statement, rows: list[Row]) -> Iterator[Run]:
        kind = statement, tuple(rows[0])
        if kind not in self._prepared:
            self._prepared[kind] = self._compiled(statement, rows[0])
        return self._prepared[kind].runs(rows)

    def _compiled(self, statement: Statement, row: Row) -> _Prepared:
        compiled: Any = _statement(statement, row).compile(dialect=self._dialect)
        columns = statement.values(row) | statement.keys()
        names: list[str] = compiled.positiontup
        binds: list[Bind] = [
            (name, columns[name].type.dialect_impl(self._dialect).bind_processor(self._dialect))
            for name in names
        ]
        return _Prepared(compiled.string, binds, self._for_several(statement, compiled, names))

    def _for_several(
        self, statement: Statement, compiled: Any, names: list[str]
    ) -> tuple[str, str] | None:
        if isinstance(statement, Insert):
            before, _, _one = compiled.string.rpartition("(")
            return before, ""
        if not isinstance(statement, Change) or sqlite3.sqlite_version_info < UPDATE_FROM:
            return None
        quoted = self._dialect.identifier_preparer.quote
        table, keys = quoted(statement.table.name), statement.keys()
        at = {name: f"given.column{place}" for place, name in enumerate(names, start=1)}
        given = ", ".join(f"{quoted(name)} = {at[name]}" for name in names if name not in keys)
        found = " AND ".join(
            f"{table}.{quoted(column.name)} = {at[name]}" for name, column in keys.items()
        )
        # Names of our own tables and columns.
        before = f"UPDATE {table} SET {given} FROM (VALUES "  # noqa: S608
        return before, f") AS given WHERE {found}"


def _statement(statement: Statement, row: Row) -> Any:
    table = statement.table
    placed: dict[str, Any] = {name: bindparam(name) for name in statement.values(row)}
    if isinstance(statement, Insert | Replace):
        added = sqlite.insert(table).values(placed)
        return replacing(added, table) if isinstance(statement, Replace) else added
    found = [column == bindparam(name) for name, column in statement.keys().items()]
    if isinstance(statement, Remove):
        return delete(table).where(*found)
    return update(table).where(*found).values(placed)


def _commit(connection: Any, runs: Sequence[Run]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for text, values in runs:
            connection.executemany(text, values)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
