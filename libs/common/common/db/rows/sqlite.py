"""Rows into SQLite, all in one transaction; as many as can be by one statement.

A process beside ours runs them (`sqlite_process`). A thread would not do: the driver lets go of
Python's lock for each statement, and gets it back only once the event loop gives it up, which under
load takes longer than a row; and the loop waits whenever the thread has it.
"""

import asyncio
import pickle
import socket
import sqlite3
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, LargeBinary, bindparam, delete, literal_column, select, update
from sqlalchemy.dialects import sqlite

from common.db.database import SQLITE_BUSY_TIMEOUT_S, SQLITE_PRAGMAS
from common.db.rows import sqlite_process
from common.db.rows.errors import AlreadyThere, CommitUnknown, DatabaseAway, WriteFailed
from common.db.rows.statements import (
    Change,
    Insert,
    Remove,
    Replace,
    Row,
    Sources,
    Statement,
    Work,
    replacing,
)
from common.db.write_lock import lock_file

#: The member of a row that a value comes from, and how it becomes one that the driver takes.
Bind = tuple[str, Callable[[Any], Any] | None]
#: A statement, and what it is run with, once for each.
Run = tuple[str, list[list[Any]]]
#: By one statement: the sizes are powers of two, so that few texts are prepared.
MOST_ROWS = 64
#: Older versions change each row by a statement of its own.
UPDATE_FROM = (3, 33)
#: A process that does not answer for this long is given up; it waits for locks for half of it.
ANSWER_TIMEOUT_S = 2.0 * SQLITE_BUSY_TIMEOUT_S
END_TIMEOUT_S = 5.0
_FAILURES = {"there": AlreadyThere, "away": DatabaseAway, "failed": WriteFailed}


@dataclass(frozen=True)
class _Prepared:
    """A statement for one row, and where it can take several the text before and behind them."""

    text: str
    binds: list[Bind]
    several: tuple[str, str] | None

    def bound(self, row: Row) -> list[Any]:
        """What the driver takes for one row."""
        return [bind(row[of]) if bind else row[of] for of, bind in self.binds]

    def runs(self, rows: Sequence[Row]) -> Iterator[Run]:
        """The statements that write `rows`."""
        bound = [self.bound(row) for row in rows]
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
    """Writes rows through a process that has a connection to `engine`'s database."""

    #: As with PostgreSQL: a commit costs as much as the rows of several calls.
    worth_waiting_s = 0.001

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._prepared: dict[tuple[Statement, tuple[str, ...]], _Prepared] = {}
        self._process: _Process | None = None

    async def write(self, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""
        try:
            runs = [run for statement, rows in work for run in self._runs(statement, rows)]
            message = pickle.dumps(("write", runs))
        except Exception as exc:  # whatever a value that cannot be stored leads to
            raise WriteFailed(type(exc).__name__) from exc
        await self._ask(message)

    async def holds(self, statement: Insert, row: Row) -> bool:
        """Whether the table of `statement` has a row with the key of `row`."""
        keys = {column.name: column for column in statement.table.primary_key}
        found = [column == bindparam(name) for name, column in keys.items()]
        question = self._bound(select(literal_column("1")).where(*found), keys)
        return await self._ask(pickle.dumps(("ask", question.text, question.bound(row)))) == "yes"

    async def disconnect(self) -> None:
        """Let the process go; the next use begins another."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.end)

    async def _ask(self, message: bytes) -> str:
        if self._process is None:
            try:
                self._process = _Process(self._engine)
            except OSError as exc:
                raise DatabaseAway(type(exc).__name__) from exc
        try:
            answer, _, reason = (await self._process.ask(message)).partition(" ")
        except BaseException as exc:
            self._process.kill()  # it must not go on with what nobody waits for
            await self.disconnect()
            if isinstance(exc, OSError):  # TimeoutError is one
                raise CommitUnknown(type(exc).__name__) from exc
            raise
        if answer in _FAILURES:
            raise _FAILURES[answer](reason)
        return answer

    def _runs(self, statement: Statement, rows: list[Row]) -> Iterator[Run]:
        kind = statement, tuple(rows[0])
        if kind not in self._prepared:
            self._prepared[kind] = self._compiled(statement, rows[0])
        return self._prepared[kind].runs(rows)

    def _compiled(self, statement: Statement, row: Row) -> _Prepared:
        columns = statement.values(row) | statement.keys()
        prepared = self._bound(_statement(statement, row), columns)
        return replace(prepared, several=self._for_several(statement, prepared))

    def _bound(self, statement: Any, columns: Sources) -> _Prepared:
        compiled = statement.compile(dialect=self._dialect)
        binds: list[Bind] = [
            (name, self._bind(columns[name].type)) for name in compiled.positiontup
        ]
        return _Prepared(compiled.string, binds, None)

    def _bind(self, of: Any) -> Callable[[Any], Any] | None:
        if isinstance(of, LargeBinary):
            return None  # bytes are what the driver takes
        bind: Callable[[Any], Any] | None
        bind = of.dialect_impl(self._dialect).bind_processor(self._dialect)
        return bind

    def _for_several(self, statement: Statement, one: _Prepared) -> tuple[str, str] | None:
        names = [name for name, _ in one.binds]
        if isinstance(statement, Insert):
            return one.text.rpartition("(")[0], ""
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


class _Process:
    """The process that writes, and our end of the socket to it."""

    def __init__(self, engine: Engine) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a file of ours
                [sys.executable, "-I", "-S", sqlite_process.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )
        self._ours.setblocking(False)
        self.end = weakref.finalize(self, _end, self._ours, self._process)
        path = Path(str(engine.url.database)).absolute()
        uri = f"file:{quote(str(path))}?mode=rw"
        known = (uri, SQLITE_BUSY_TIMEOUT_S, SQLITE_PRAGMAS, lock_file(engine))
        self._first = pickle.dumps(known)

    async def ask(self, message: bytes) -> str:
        """The answer to a message. Raises OSError where there is none."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await loop.sock_sendall(self._ours, self._first + message)
            self._first = b""
            answer = b""
            while not answer.endswith(b"\n"):
                piece = await loop.sock_recv(self._ours, 256)
                if not piece:
                    raise ConnectionResetError
                answer += piece
        return answer.decode().rstrip()

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.kill()


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Let it finish what it is doing."""
    ours.close()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
