"""Rows into PostgreSQL: a batch is one statement and one round trip, in which the rows of each kind
are one JSON text. Both sides take that in a fraction of the time that a statement per row costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    cast,
    column,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Grouping

from common.db.database import UtcDateTime
from common.db.rows.errors import AlreadyThere, CommitUnknown, DatabaseAway, WriteFailed
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

CONNECT_TIMEOUT_S = 5.0
#: A connection that does not answer for this long is given up: it may have gone silent.
ANSWER_TIMEOUT_S = 10.0
#: Rows are found by their keys, however small the table was when that was planned.
_SETTINGS = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
#: The server gives a statement up before we give up the connection.
_SERVER_TIMEOUT_MS = "8000"

_encoded = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class _Kind:
    """Rows of one statement that have the same members."""

    statement: Statement
    names: tuple[str, ...]

    def of_type(self, kind: type[Any]) -> tuple[str, ...]:
        """The members that are for columns of this type."""
        values = self.statement.values(dict.fromkeys(self.names))
        return tuple(name for name, column in values.items() if isinstance(column.type, kind))


@dataclass(frozen=True)
class _Prepared:
    """The text for rows of some kinds, and of each kind the members that are bytes and times."""

    text: str
    members: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


class PostgresRows:
    """Writes rows through a connection with the address and the settings of `engine`'s."""

    #: A statement and its commit cost both sides as much CPU as the rows of ten calls.
    worth_waiting_s = 0.001

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prepared: dict[tuple[tuple[Statement, tuple[str, ...]], ...], _Prepared] = {}
        self._connection: Any = None

    async def write(self, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""
        kinds = tuple((statement, tuple(rows[0])) for statement, rows in work)
        prepared = self._prepared.get(kinds)
        if prepared is None:
            prepared = self._prepared[kinds] = _prepared([_Kind(*kind) for kind in kinds])
        given: list[Any] = []
        try:
            for (_, rows), (blobs, times) in zip(work, prepared.members, strict=True):
                given += written(rows, blobs, times)
        except (AttributeError, TypeError, ValueError) as exc:
            raise WriteFailed(type(exc).__name__) from exc
        await self._run(prepared.text, given)

    async def holds(self, statement: Insert, row: Row) -> bool:
        """Whether the table of `statement` has a row with the key of `row`."""
        keys = list(statement.table.primary_key.columns)
        wanted: Any = select(literal_column("1")).where(
            *(key == bindparam(key.name) for key in keys)
        )
        text = _placed(wanted, [key.name for key in keys])
        return bool(await self._run(text, [row[key.name] for key in keys]))

    async def disconnect(self) -> None:
        """Let the connection go; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _run(self, text: str, given: Sequence[Any]) -> Any:
        connection = await self._connected()
        try:
            return await connection.fetch(text, *given, timeout=ANSWER_TIMEOUT_S)
        except asyncpg.IntegrityConstraintViolationError as exc:
            raise AlreadyThere(type(exc).__name__) from exc
        except _AWAY as exc:
            await self.disconnect()
            raise DatabaseAway(type(exc).__name__) from exc
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TypeError) as exc:
            # Drivers raise what they like for a value they do not take.
            is_lost = connection.is_closed() or isinstance(exc, asyncpg.PostgresConnectionError)
            await self.disconnect()
            raise (CommitUnknown if is_lost else WriteFailed)(type(exc).__name__) from exc
        except OSError as exc:  # TimeoutError is one
            await self.disconnect()
            raise CommitUnknown(type(exc).__name__) from exc

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            url = self._engine.url.set(drivername="postgresql")
            try:
                self._connection = await asyncpg.connect(
                    url.render_as_string(hide_password=False),
                    timeout=CONNECT_TIMEOUT_S,
                    server_settings={
                        **_SETTINGS,
                        "application_name": "kiungo-writer",
                        "statement_timeout": _SERVER_TIMEOUT_MS,
                        "search_path": self._engine.get_execution_options()["owned_schema"],
                    },
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
                raise DatabaseAway(type(exc).__name__) from exc
        return self._connection


_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
#: The server's own words for "not now": nothing was written.
_AWAY = (
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
)


def _prepared(kinds: Sequence[_Kind]) -> _Prepared:
    """One statement for all kinds: several are its `WITH`, which runs them all."""
    texts, members, count = [], [], 0
    for kind in kinds:
        blobs = kind.of_type(LargeBinary)
        texts.append(_placed(_selected(kind), ["rows", "blobs"] if blobs else ["rows"], count))
        members.append((blobs, kind.of_type(UtcDateTime)))
        count += 2 if blobs else 1
    text = texts[0]
    if len(texts) > 1:
        named = ", ".join(f"act{at} AS ({text})" for at, text in enumerate(texts))
        text = f"WITH {named} SELECT 1"
    return _Prepared(text, tuple(members))


def _placed(statement: Any, names: Sequence[str], before: int = 0) -> str:
    """The statement's text; parameter `names[0]` is `$1` where none stand before it."""
    text: str = statement.compile(dialect=_DIALECT).string
    for place, name in enumerate(names, start=before + 1):
        text = text.replace(f":{name}", f"${place}")
    return text


def rows_statement(change: Change, rows: Any) -> Any:
    """The statement for all rows of the JSON text `rows`; none of its columns is of bytes."""
    return _selected(_Kind(change, change.names), cast(rows, JSON))


def insert_statement(table: Table, names: tuple[str, ...], rows: Any) -> Any:
    """The same for rows that are added to `table`."""
    return _selected(_Kind(Insert(table), names), cast(rows, JSON))


_ROWS = bindparam("rows", type_=JSON)


def _selected(kind: _Kind, rows: Any = _ROWS) -> Any:
    """The statement for all rows of the JSON text `rows`; bytes are numbered, and in `blobs`."""
    statement = kind.statement
    values, keys = statement.values(dict.fromkeys(kind.names)), statement.keys()
    table = statement.table
    types = (column(name, _json_type(of)) for name, of in (values | keys).items())
    given = func.json_to_recordset(rows).table_valued(*types)
    given = given.render_derived(name="given", with_types=True)
    array = Grouping(cast(bindparam("blobs"), ARRAY(LargeBinary)))
    sets = {
        name: array[given.c[name]] if _is_blob(of) else given.c[name] for name, of in values.items()
    }
    if isinstance(statement, Insert | Replace):
        added = postgresql.insert(table).from_select(
            [*sets], select(*sets.values()), include_defaults=False
        )
        return replacing(added, table) if isinstance(statement, Replace) else added
    found = [of == given.c[name] for name, of in keys.items()]
    if isinstance(statement, Remove):
        return delete(table).where(*found)
    return update(table).where(*found).values(sets)


def _json_type(of: Column[Any]) -> Any:
    return Integer() if _is_blob(of) else of.type


def _is_blob(of: Column[Any]) -> bool:
    return isinstance(of.type, LargeBinary)


def written(rows: Sequence[Row], blobs: Sequence[str] = (), times: Sequence[str] = ()) -> list[Any]:
    """Rows as JSON and, where members `blobs` are bytes, those: in the JSON they are numbers,
    counted from 1. Raises TypeError or ValueError for a value that cannot be stored.
    """
    for name in times:
        for row in rows:
            if row[name] is not None and row[name].tzinfo is None:
                raise ValueError("a naive datetime cannot be stored")
    if not blobs:
        return [_encoded(rows).decode()]
    found: list[bytes] = []
    numbered = []
    for row in rows:
        row = dict(row)
        for name in blobs:
            if row[name] is not None:
                found.append(row[name])
                row[name] = len(found)
        numbered.append(row)
    return [_encoded(numbered).decode(), found]
