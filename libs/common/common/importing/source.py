"""A Django project's database, read only: tables by their names, rows in batches by their `id`.

A column that the database does not have is None in every row, a table that it does not have has no
rows: older and newer versions of a project can be read alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from common.db.database import UtcDateTime

Row = Mapping[str, Any]
BATCH = 1_000


class SourceError(Exception):
    """The other database cannot be read; the message says why, without its password."""


@dataclass(frozen=True)
class SourceTable:
    """A table and the columns that are read, by what they hold; `id` is always read."""

    name: str
    numbers: Sequence[str] = ()
    texts: Sequence[str] = ()
    flags: Sequence[str] = ()
    moments: Sequence[str] = ()
    documents: Sequence[str] = ()
    uuids: Sequence[str] = ()

    @cached_property
    def columns(self) -> Mapping[str, sa.types.TypeEngine[Any]]:
        """Every column with the type that reads it."""
        kinds: tuple[tuple[Sequence[str], sa.types.TypeEngine[Any]], ...] = (
            (("id", *self.numbers), sa.Integer()),
            (self.texts, sa.String()),
            (self.flags, sa.Boolean()),
            (self.moments, UtcDateTime()),
            (self.documents, sa.JSON()),
            (self.uuids, sa.Uuid()),
        )
        return {name: kind for names, kind in kinds for name in names}


class Batches(Protocol):
    """Where settings can be read from: a database, or a document."""

    def count(self, table: SourceTable) -> int:
        """How many there are."""

    def batches(self, table: SourceTable, *, size: int) -> Iterator[list[Row]]:
        """All of them; each has an `id` of its own."""


class Source:
    """The other database; a context manager. SQLAlchemyError when it goes away."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises SourceError for what is no URL of SQLite or PostgreSQL."""
        self._engine = _read_only(_parsed(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._engine.dispose()

    @cached_property
    def _known(self) -> Mapping[str, frozenset[str]]:
        found = sa.inspect(self._engine)
        return {
            name: frozenset(column["name"] for column in found.get_columns(name))
            for name in found.get_table_names()
        }

    def has(self, table: SourceTable) -> bool:
        """Whether there is such a table."""
        return table.name in self._known

    def missing(self, table: SourceTable) -> list[str]:
        """Columns that are not there, sorted."""
        return sorted(set(table.columns) - self._known.get(table.name, frozenset()))

    def count(self, table: SourceTable) -> int:
        """How many rows there are."""
        if not self.has(table):
            return 0
        with self._engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(sa.table(table.name))
            return connection.scalar(query) or 0

    def rows(self, table: SourceTable) -> list[Row]:
        """All rows, for tables that fit into memory."""
        return [row for batch in self.batches(table) for row in batch]

    def batches(
        self,
        table: SourceTable,
        columns: Sequence[str] = (),
        *,
        since: tuple[str, datetime] | None = None,
        size: int = BATCH,
    ) -> Iterator[list[Row]]:
        """All rows in the order of `id`; only some columns, only from a moment on."""
        after = 0
        while batch := self._some(table, columns, after, since, size):
            yield batch
            after = batch[-1]["id"]

    def by_id(
        self, table: SourceTable, ids: Sequence[int], columns: Sequence[str] = ()
    ) -> list[Row]:
        """The rows of these ids, in the order of `id`."""
        return self.by_value(table, "id", ids, columns)

    def by_value(
        self, table: SourceTable, column: str, values: Sequence[Any], columns: Sequence[str] = ()
    ) -> list[Row]:
        """The rows whose `column` has one of the values, in the order of `id`."""
        if column in self.missing(table):
            return []
        return self._read(table, columns, sa.column(column).in_(values), None)

    def _some(
        self,
        table: SourceTable,
        columns: Sequence[str],
        after: int,
        since: tuple[str, datetime] | None,
        size: int,
    ) -> list[Row]:
        wanted = sa.column("id", sa.Integer()) > after
        if since is not None and since[0] not in self.missing(table):
            name, moment = since
            wanted = sa.and_(wanted, sa.column(name, UtcDateTime()) >= moment)
        return self._read(table, columns, wanted, size)

    def _read(
        self,
        table: SourceTable,
        columns: Sequence[str],
        wanted: sa.ColumnElement[bool],
        size: int | None,
    ) -> list[Row]:
        if not self.has(table):
            return []
        names = columns or list(table.columns)
        there = [name for name in names if name in self._known[table.name]]
        query = (
            sa.select(*(sa.column(name, table.columns[name]) for name in there))
            .select_from(sa.table(table.name))
            .where(wanted)
            .order_by(sa.column("id"))
            .limit(size)
        )
        nothing: dict[str, Any] = dict.fromkeys(names)
        with self._engine.connect() as connection:
            return [{**nothing, **row} for row in connection.execute(query).mappings()]


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise SourceError("The database URL cannot be read") from None
    backend = url.get_backend_name()
    if backend in {"postgresql", "postgres", "postgis"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise SourceError(f"A database of {backend} cannot be read: SQLite or PostgreSQL only")
    if not Path(url.database or "").is_file():
        raise SourceError(f"There is no file {url.database}")
    return url


def _read_only(url: URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").absolute().as_uri()
        return sa.create_engine(f"sqlite:///{path}?mode=ro&uri=true", hide_parameters=True)
    return sa.create_engine(
        url,
        pool_size=1,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, "application_name": "kiungo-import"},
        execution_options={"postgresql_readonly": True},
    )
