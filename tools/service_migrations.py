"""Every migration of a service goes up, down and up again, and leaves the tables of its models."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, inspect

POSTGRES = "postgresql://postgres@127.0.0.1:5432"


@contextmanager
def empty_database(kind: str) -> Iterator[dict[str, Any]]:
    """The settings of an empty database of this kind, `sqlite` or `postgres`; skips without one."""
    if kind == "sqlite":
        yield {}
        return
    name = f"kiungo_migrate_{uuid.uuid4().hex[:8]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"PostgreSQL is not reachable: {type(exc).__name__}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield {"database_url_override": f"{POSTGRES}/{name}"}
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def check_there_and_back(app: Flask, engine: Engine, schema: str) -> None:
    """To the newest revision, to none, and to the newest; the models ask for no further change."""
    run = app.test_cli_runner().invoke
    for arguments in (["upgrade"], ["downgrade", "base"], ["upgrade"], ["check"]):
        result = run(args=["db", *arguments])
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        if arguments[0] == "downgrade":
            assert tables(engine, schema) <= {"alembic_version"}
    engine.dispose()


def tables(engine: Engine, schema: str) -> set[str]:
    """The names of the schema's tables."""
    inspector = inspect(engine)
    return set(inspector.get_table_names(None if engine.name == "sqlite" else schema))
