"""PostgreSQL databases for tests of the services, and empty tables in them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
import pytest
from sqlalchemy import Connection, Dialect, MetaData

POSTGRES = "postgresql://postgres@127.0.0.1:5432"


@contextmanager
def scratch_database(schema: str | None = None) -> Iterator[str]:
    """The URL of a new database with this schema, dropped afterwards; skips without a server.

    A commit does not wait for the disk there: what outlives a server's crash is not asked.
    """
    name = f"kiungo_test_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL at {POSTGRES}: {type(exc).__name__}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    url = f"{POSTGRES}/{name}"
    if schema is not None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"')
    yield url
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def empty_tables(connection: Connection, metadata: MetaData) -> None:
    """Remove every row, in the transaction of `connection`; on PostgreSQL in one round trip."""
    for statement in _deletes(metadata, connection.dialect):
        connection.exec_driver_sql(statement)


@cache
def _deletes(metadata: MetaData, dialect: Dialect) -> list[str]:
    tables = reversed(metadata.sorted_tables)
    deletes = [str(table.delete().compile(dialect=dialect)) for table in tables]
    return ["; ".join(deletes)] if dialect.name == "postgresql" else deletes
