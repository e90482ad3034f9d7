"""Rows into SQLite: a statement is run for each row, all in one transaction."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, bindparam, delete, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from common.db.rows.errors import AlreadyThere, DatabaseAway, WriteFailed
from common.db.rows.statements import Insert, Remove, Replace, Row, Statement, Work, replacing
from common.db.write_lock import WriteLock

#: The member of a row that a value comes from, and how it becomes one that the driver takes.
Bind = tuple[str, Callable[[Any], Any] | None]


class SqliteRows:
    """Writes rows through a connection of `engine`, which one thread uses."""

    #: Not measured to gain anything.
    worth_waiting_s = 0.0

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._lock = WriteLock(engine)
        self._prepared: dict[tuple[Statement, tuple[str, ...]], tuple[str, list[Bind]]] = {}
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
            runs = [self._bound(statement, rows) for statement, rows in work]
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

    def _bound(self, statement: Statement, rows: list[Row]) -> tuple[str, list[list[Any]]]:
        kind = statement, tuple(rows[0])
        if kind not in self._prepared:
            self._prepared[kind] = self._compiled(statement, rows[0])
        text, binds = self._prepared[kind]
        return text, [[bind(row[of]) if bind else row[of] for of, bind in binds] for row in rows]

    def _compiled(self, statement: Statement, row: Row) -> tuple[str, list[Bind]]:
        compiled: Any = _statement(statement, row).compile(dialect=self._dialect)
        columns = statement.values(row) | statement.keys()
        return compiled.string, [
            (name, columns[name].type.dialect_impl(self._dialect).bind_processor(self._dialect))
            for name in compiled.positiontup
        ]


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


def _commit(connection: Any, runs: Sequence[tuple[str, list[list[Any]]]]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for text, values in runs:
            connection.executemany(text, values)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
