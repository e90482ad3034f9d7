"""Scratch databases of the benchmarks, filled in the fastest way that each kind knows.

PostgreSQL is the one at TEST_POSTGRES (default: postgresql://postgres@127.0.0.1:5432).
"""

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
from common.db.database import is_sqlite
from common.sealing import create_key
from common.searchable_sealing import create_search_key
from common.settings import Environment
from sqlalchemy import Engine, Table

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")

Row = Sequence[Any]


@contextmanager
def scratch(name: str, schema: str) -> Iterator[dict[str, str]]:
    """An empty database, `sqlite` or `postgres`, by the environment that leads to it."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"VAR_DIR": folder, "LOG_LEVEL": "ERROR"}
        create_seal_keys(environ)
        if name == "sqlite":
            yield environ
            return
        database = f"kiungo_bench_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{database}"'.encode())
        try:
            with psycopg.connect(f"{POSTGRES}/{database}", autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA {schema}".encode())
            yield {**environ, "DATABASE_URL": f"{POSTGRES}/{database}"}
        finally:
            with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
                server.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())


def create_seal_keys(environ: dict[str, str]) -> None:
    """What is stored is sealed, as in an installation."""
    folder = Environment.read(environ).seal_keys_folder
    create_key(folder)
    create_search_key(folder)


@contextmanager
def postgres_database() -> Iterator[str | None]:
    """The URL of a database of this run's own; None when there is no server."""
    name = f"kiungo_bench_{uuid.uuid4().hex[:8]}"
    try:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute(f'CREATE DATABASE "{name}"'.encode())
    except psycopg.OperationalError as exc:
        print(f"PostgreSQL is not measured: {type(exc).__name__}")
        yield None
        return
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def load(engine: Engine, table: Table, rows: Iterable[Row], columns: Sequence[str] = ()) -> None:
    """Put rows into a table; without `columns`, each row has all of them in their order."""
    columns = columns or [column.name for column in table.columns]
    names = ", ".join(f'"{column}"' for column in columns)
    into = f'"{table.name}" ({names})'
    with engine.begin() as connection:
        raw: Any = connection.connection.driver_connection
        if not is_sqlite(engine):
            with raw.cursor().copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        plain = ([_plain(value) for value in row] for row in rows)
        raw.executemany(f"INSERT INTO {into} VALUES ({', '.join('?' * len(columns))})", plain)  # noqa: S608


def analyze(engine: Engine) -> None:
    """Let the database see what it holds, as it does by itself after a while."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if is_sqlite(engine) else "VACUUM ANALYZE")


def _plain(value: Any) -> Any:
    """A value as our types store it in SQLite."""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, date) else value
