"""Migrations: two started at once both end well, and the tables are what the models say."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process over an empty database."""
    base = {**os.environ, "VAR_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    if request.param == "sqlite":
        yield base
        return
    name = f"kiungo_migrate_{uuid.uuid4().hex[:8]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"PostgreSQL is not reachable: {type(exc).__name__}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield {**base, "DATABASE_URL": f"{POSTGRES}/{name}"}
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def flask(environ: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "flask", "--app", "proxy", *arguments]
    return subprocess.Popen(command, env=environ, cwd=environ["VAR_DIR"])


def test_two_upgrades_at_once_both_end_well_and_the_check_is_clean(environ):
    upgrades = [flask(environ, "db", "upgrade") for _ in range(2)]
    assert [one.wait(60) for one in upgrades] == [0, 0]
    assert flask(environ, "db", "check").wait(60) == 0
