"""Commits batches of rows over a connection of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import OperationalError

from common.database import is_sqlite
from common.rows.postgres import PostgresRows
from common.rows.sqlite import SqliteRows
from common.rows.statements import Row, Statement

#: Names a statement: what a row does to the record.
ActT = TypeVar("ActT")


class WriteFailed(Exception):
    """Rows could not be committed; the driver's own error is the cause."""


class AlreadyThere(WriteFailed):
    """A row with this key exists."""


class DatabaseAway(WriteFailed):
    """The database cannot be reached, or cannot write now."""


class RowCommitter(Generic[ActT]):
    """Runs `statements` in their order, each with the rows of its act. For one thread at a time."""

    def __init__(self, engine: Engine, statements: Mapping[ActT, Statement]) -> None:
        self._engine = engine
        self._statements = statements
        self._rows = SqliteRows(engine) if is_sqlite(engine) else PostgresRows(engine)
        self._connection: PoolProxiedConnection | None = None
        self._way_in: Any = None

    def commit(self, batch: Sequence[Mapping[ActT, Row]]) -> None:
        """Commit the rows of `batch` together: when this returns they are on disk.

        Raises WriteFailed: none is there.
        """
        driver: Any = self._engine.dialect.loaded_dbapi
        work = [
            (statement, rows)
            for act, statement in self._statements.items()
            if (rows := [item[act] for item in batch if act in item])
        ]
        if not work:
            return
        try:
            self._rows.write(self._connected(), work)
        except driver.IntegrityError as exc:
            raise AlreadyThere(type(exc).__name__) from exc
        except (driver.OperationalError, OperationalError) as exc:
            self.disconnect()
            raise DatabaseAway(type(exc).__name__) from exc
        except Exception as exc:  # drivers raise what they like for a value they do not take
            self.disconnect()
            raise WriteFailed(type(exc).__name__) from exc

    def disconnect(self) -> None:
        """Let the connection go; the next commit opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._way_in = self._rows.open(self._connection.driver_connection)
        return self._way_in
