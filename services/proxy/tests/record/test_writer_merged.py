"""Merged mode: the beginning of a call is not waited for, and is not lost either."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from common.db import group_commit as writer_module
from common.db.database import open_engine
from proxy.config import SCHEMA, Settings
from proxy.container import Container
from proxy.models import Base, Transaction, TransactionStatus
from proxy.record.rows import Stopwatch, ended_row
from proxy.record.statements import Act
from proxy.record.writer import Item, Rows, WriteFailed, Writer
from sqlalchemy import Engine, select, text


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


@pytest.fixture
def engine(container: Container) -> Engine:
    """Either database, empty."""
    return container.database.engine


class Sync:
    """A writer in merged mode on its loop, asked from here."""

    def __init__(self, engine: Engine, run: Any) -> None:
        self.writer, self._run = Noting(engine, merged=True), run

    def begin(self, rows: Rows) -> None:
        self._run(self.writer.begin(rows))

    def write(self, rows: Rows) -> None:
        self._run(self.writer.write(rows))

    def begin_and_write(self, first: Rows, last: Rows) -> None:
        """Both meet in one batch: nothing is awaited between them."""

        async def both() -> None:
            await self.writer.begin(first)
            await self.writer.write(last)

        self._run(both())

    def write_late(self, rows: Rows) -> None:
        async def hand_over() -> None:
            self.writer.write_late(rows)

        self._run(hand_over())

    def close(self) -> None:
        self._run(self.writer.close())


class Noting(Writer):
    """Notes what each item does that it commits."""

    def prepare(self, batch: list[Item[Act]]) -> list[Item[Act]]:
        joined = super().prepare(batch)
        self.acts = [set(item.rows) for item in joined]
        return joined


@pytest.fixture
def merged(engine: Engine, run: Any) -> Iterator[Sync]:
    made = Sync(engine, run)
    yield made
    made.close()


class Away:
    """A database whose table is out of the way while it is away."""

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


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    monkeypatch.setattr(writer_module, "LATE_PAUSE_S", 0.05)
    made = Away(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def merged_away(away: Away, run: Any) -> Iterator[Sync]:
    made = Sync(away.engine, run)
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


def test_beginning_of_a_call_is_not_waited_for(merged: Sync, engine: Engine) -> None:
    call = uuid.uuid4()
    merged.begin(start(call))
    assert becomes(engine, call, TransactionStatus.PROCESSING)


def test_call_that_ends_within_one_batch_is_one_insert(merged: Sync, engine: Engine) -> None:
    call = uuid.uuid4()
    merged.begin_and_write(start(call), end(call))
    assert merged.writer.acts == [{Act.WHOLE}]
    assert status(engine, call) is TransactionStatus.SUCCESSFUL


def test_call_that_ends_later_is_updated(merged: Sync, engine: Engine) -> None:
    call = uuid.uuid4()
    merged.begin(start(call))
    assert becomes(engine, call, TransactionStatus.PROCESSING)
    merged.write(end(call))
    assert status(engine, call) is TransactionStatus.SUCCESSFUL


# --- the database is away


def test_end_is_not_called_written_while_the_database_is_away(
    merged_away: Sync, away: Away
) -> None:
    call = uuid.uuid4()
    away.leave()
    with pytest.raises(WriteFailed):
        merged_away.begin_and_write(start(call), end(call))
    assert merged_away.writer.acts == [{Act.WHOLE}]


def test_beginning_that_the_database_missed_is_not_lost(merged_away: Sync, away: Away) -> None:
    call = uuid.uuid4()
    away.leave()
    merged_away.begin(start(call))
    time.sleep(0.1)
    away.come_back()
    merged_away.write(end(call))
    assert status(away.engine, call) is TransactionStatus.SUCCESSFUL


def test_whole_call_that_the_database_missed_is_not_lost(merged_away: Sync, away: Away) -> None:
    call = uuid.uuid4()
    away.leave()
    merged_away.begin(start(call))
    assert not written(merged_away, end(call))
    merged_away.write_late(end(call))
    time.sleep(0.1)
    away.come_back()
    assert becomes(away.engine, call, TransactionStatus.SUCCESSFUL)
