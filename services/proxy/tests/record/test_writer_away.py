"""A database that goes away and comes back: what is told, what waits, and what lands after all."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from common.db import group_commit as writer_module
from common.db.database import open_engine
from proxy.config import SCHEMA, Settings
from proxy.models import Base, Transaction, TransactionStatus
from proxy.record.rows import Stopwatch, ended_row
from proxy.record.statements import Act
from proxy.record.writer import Rows, WriteFailed, Writer
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

SERVER = "postgresql://postgres@127.0.0.1:5432"


def start(call: uuid.UUID) -> Rows:
    return {
        Act.START: {
            "correlation_id": call,
            "parent_id": None,
            "channel_name": "Patients",
            "client_name": "clinic",
            "client_address": "127.0.0.1",
            "organization": None,
            "status": TransactionStatus.PROCESSING,
            "request_method": "GET",
            "request_url": "/a",
            "request_headers": {},
            "request_body": "",
            "request_body_whole": True,
            "owner": "me",
            "started_at": datetime.now(UTC),
        }
    }


def end(call: uuid.UUID) -> Rows:
    watch = Stopwatch(time.perf_counter_ns())
    row = ended_row(call, TransactionStatus.SUCCESSFUL, watch, response_status_code=200)
    return {Act.END: row}


class Sqlite:
    """Its table is out of the way while it is away."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_engine(Settings(var_dir=folder), SCHEMA)
        Base.metadata.create_all(self.engine)

    def leave(self) -> None:
        self._run("ALTER TABLE transactions RENAME TO transactions_away")

    def come_back(self) -> None:
        self._run("ALTER TABLE transactions_away RENAME TO transactions")

    def _run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def remove(self) -> None:
        self.engine.dispose()


class Postgres:
    """It ends its connections and takes no more while it is away."""

    def __init__(self, folder: Path) -> None:
        self._name = f"kiungo_away_{uuid.uuid4().hex[:12]}"
        try:
            self._server = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=3)
        except psycopg.OperationalError as exc:
            pytest.skip(f"no PostgreSQL at {SERVER}: {exc}")
        self._run(f'CREATE DATABASE "{self._name}"')
        url = f"{SERVER}/{self._name}"
        self.engine = open_engine(Settings(var_dir=folder, database_url_override=url), SCHEMA)
        with self.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        Base.metadata.create_all(self.engine)

    def leave(self) -> None:
        self._run(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS false')
        self.drop_connections()

    def drop_connections(self) -> None:
        self._run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{self._name}'"
        )

    def come_back(self) -> None:
        self._run(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS true')

    def _run(self, statement: str) -> None:
        self._server.execute(statement)

    def remove(self) -> None:
        self.engine.dispose()
        self._run(f'DROP DATABASE "{self._name}" WITH (FORCE)')
        self._server.close()


@pytest.fixture(scope="module", params=[Sqlite, Postgres])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sqlite | Postgres]:
    made = request.param(tmp_path_factory.mktemp("away"))
    yield made
    made.remove()


@pytest.fixture
def database(shared: Sqlite | Postgres) -> Iterator[Sqlite | Postgres]:
    """A database of this module's own; in the end it is there again."""
    with shared.engine.begin() as connection:
        connection.execute(Transaction.__table__.delete())  # type: ignore[attr-defined]
    yield shared
    try:
        shared.come_back()
    except OperationalError:
        return  # it never left


class Sync:
    """The writer on its loop, asked from here."""

    def __init__(self, writer: Writer, run: Any) -> None:
        self._writer, self._run = writer, run

    def write(self, rows: Rows) -> None:
        self._run(self._writer.write(rows))

    def write_late(self, rows: Rows) -> None:
        async def hand_over() -> None:
            self._writer.write_late(rows)

        self._run(hand_over())

    def close(self) -> None:
        self._run(self._writer.close())


@pytest.fixture
def writer(
    database: Sqlite | Postgres, monkeypatch: pytest.MonkeyPatch, run: Any
) -> Iterator[Sync]:
    monkeypatch.setattr(writer_module, "LATE_PAUSE_S", 0.05)
    made = Sync(Writer(database.engine, merged=False), run)
    yield made
    made.close()


def status(engine: Engine, call: uuid.UUID) -> TransactionStatus | None:
    with engine.connect() as connection:
        return connection.scalar(
            select(Transaction.status).where(Transaction.correlation_id == call)
        )


def becomes(engine: Engine, call: uuid.UUID, wanted: TransactionStatus) -> bool:
    deadline = time.monotonic() + 5
    while status(engine, call) is not wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def written(writer: Sync, rows: Rows) -> bool:
    try:
        writer.write(rows)
    except WriteFailed:
        return False
    return True


def test_row_is_not_written_while_the_database_is_away(
    writer: Sync, database: Sqlite | Postgres
) -> None:
    database.leave()
    assert not written(writer, start(uuid.uuid4()))


def test_row_is_written_once_the_database_is_back(
    writer: Sync, database: Sqlite | Postgres
) -> None:
    call = uuid.uuid4()
    writer.write(start(uuid.uuid4()))
    database.leave()
    assert not written(writer, start(uuid.uuid4()))
    database.come_back()
    writer.write(start(call))
    assert status(database.engine, call) is TransactionStatus.PROCESSING


@pytest.mark.parametrize("shared", [Postgres], indirect=True)
def test_connection_that_was_dropped_is_not_noticed(writer: Sync, database: Postgres) -> None:
    call = uuid.uuid4()
    writer.write(start(uuid.uuid4()))
    database.drop_connections()
    writer.write(start(call))
    assert status(database.engine, call) is TransactionStatus.PROCESSING


def test_row_that_was_not_written_in_time_is_not_written_later(
    writer: Sync, database: Sqlite | Postgres
) -> None:
    call = uuid.uuid4()
    database.leave()
    assert not written(writer, start(call))
    database.come_back()
    writer.write(start(uuid.uuid4()))
    assert status(database.engine, call) is None


def test_late_end_lands_without_another_call(writer: Sync, database: Sqlite | Postgres) -> None:
    call = uuid.uuid4()
    writer.write(start(call))
    writer.write_late(end(call))
    assert becomes(database.engine, call, TransactionStatus.SUCCESSFUL)


def test_late_end_waits_for_the_database(writer: Sync, database: Sqlite | Postgres) -> None:
    call = uuid.uuid4()
    writer.write(start(call))
    database.leave()
    assert not written(writer, end(call))
    writer.write_late(end(call))
    time.sleep(0.2)
    database.come_back()
    assert becomes(database.engine, call, TransactionStatus.SUCCESSFUL)


def test_late_end_that_cannot_be_written_holds_nobody_up(
    writer: Sync, database: Sqlite | Postgres
) -> None:
    call, odd = uuid.uuid4(), end(uuid.uuid4())
    odd[Act.END]["response_body"] = "\ud800"
    writer.write_late(odd)
    writer.write(start(call))
    assert status(database.engine, call) is TransactionStatus.PROCESSING


def test_only_so_many_late_ends_wait(
    writer: Sync, database: Sqlite | Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_LATE", 3)
    calls = [uuid.uuid4() for _ in range(5)]
    for call in calls:
        writer.write(start(call))
    database.leave()
    for call in calls:
        writer.write_late(end(call))
        assert not written(writer, start(uuid.uuid4()))
    database.come_back()
    assert all(becomes(database.engine, call, TransactionStatus.SUCCESSFUL) for call in calls[:3])
    assert [status(database.engine, call) for call in calls[3:]] == [
        TransactionStatus.PROCESSING
    ] * 2
