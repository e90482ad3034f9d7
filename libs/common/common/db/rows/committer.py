"""Commits batches of rows over a connection of its own."""

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Engine

from common.db.database import is_sqlite
from common.db.rows.errors import AlreadyThere, CommitUnknown, DatabaseAway, WriteFailed
from common.db.rows.postgres import PostgresRows
from common.db.rows.sqlite import SqliteRows
from common.db.rows.statements import Acting, Insert, InsertSeveral, Row, Work

__all__ = ["AlreadyThere", "CommitUnknown", "DatabaseAway", "RowCommitter", "WriteFailed"]

#: Names a statement: what a row does to the record.
ActT = TypeVar("ActT")


class Rows(Protocol):
    """One connection to a database. All raise WriteFailed and its kinds."""

    #: A commit costs so much that it is worth to wait so long for more rows, in seconds.
    worth_waiting_s: float

    async def write(self, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""

    async def holds(self, statement: Insert, row: Row) -> bool:
        """Whether the table of `statement` has a row with the key of `row`."""

    async def disconnect(self) -> None:
        """Let the connection go; the next use opens another."""


class RowCommitter(Generic[ActT]):
    """Runs `statements` in their order, each with the rows of its act. One commit at a time."""

    def __init__(self, engine: Engine, statements: Mapping[ActT, Acting]) -> None:
        self._statements = statements
        self._places = {act: place for place, act in enumerate(statements)}
        self._rows: Rows = SqliteRows(engine) if is_sqlite(engine) else PostgresRows(engine)
        self.disconnect = self._rows.disconnect
        self.worth_waiting_s = self._rows.worth_waiting_s

    async def commit(self, batch: Sequence[Mapping[ActT, Row]]) -> None:
        """Commit the rows of `batch` together: when this returns they are on disk.

        Raises WriteFailed: none is there; CommitUnknown: all or none.
        """
        found: dict[ActT, list[Row]] = {}
        for item in batch:
            for act, row in item.items():
                found.setdefault(act, []).append(row)
        if not found:
            return
        try:
            await self._rows.write(self._ordered(found))
        except WriteFailed:
            raise
        except Exception as exc:  # whatever a value that cannot be stored leads to
            await self.disconnect()
            raise WriteFailed(type(exc).__name__) from exc

    def _ordered(self, found: dict[ActT, list[Row]]) -> list[Work]:
        """The statements in their order, each with its rows; of acts that hold several, all."""
        work: list[Work] = []
        for act in sorted(found, key=self._places.__getitem__):
            statement, rows = self._statements[act], found[act]
            if isinstance(statement, InsertSeveral):
                work.append((statement.insert, [one for row in rows for one in row["rows"]]))
            else:
                work.append((statement, rows))
        return work

    async def has_written(self, batch: Sequence[Mapping[ActT, Row]]) -> bool:
        """Whether the rows of `batch`, which are written all or none, are there.

        Where they add none it is not known, and False: changes may be written again.
        """
        for item in batch:
            for act, row in item.items():
                statement = self._statements[act]
                if isinstance(statement, Insert):
                    return await self._rows.holds(statement, row)
        return False
