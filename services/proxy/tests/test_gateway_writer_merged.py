"""Merged mode: the beginning of a call is not waited for, and is not lost either."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from common import group_commit as writer_module
from common.database import open_engine
from proxy.config import SCHEMA, Settings
from proxy.gateway.recording import Stopwatch, ended_row
from proxy.gateway.statements import Act
from proxy.gateway.writer import Item, Rows, WriteFailed, Writer
from proxy.models import Base, Transaction, TransactionStatus
from proxy.parts import Parts
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
def engine(parts: Parts) -> Engine:
    """Either database, empty."""
    return parts.database.engine


@pytest.fixture
def merged(engine: Engine) -> Writer:
    return Writer(engine, merged=True, offload=lambda commit: commit())


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
def merged_away(away: Away) -> Writer:
    return Writer(away.engine, merged=True, offload=lambda commit: commit())


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


def written(writer: Writer, rows: Rows) -> bool:
    try:
        writer.write(rows)
    except WriteFailed:
        return False
    return True


def test_beginning_of_a_call_is_not_waited_for(merged: Writer, engine: Engine) -> None:
    call = uuid.uuid4()
    merged.begin(start(call))
    assert becomes(engine, call, TransactionStatus.PROCESSING)


class Noting(Writer):
    """Notes what each item does that it commits."""

    def prepare(self, batch: list[Item[Act]]) -> list[Item[Act]]:
        joined = super().prepare(batch)
        self.acts = [set(item.rows) for item in joined]
        return joined


class Held:
    """Holds the writer's next commit until told to go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, commit: Callable[[], Any]) -> Any:
        self.reached.set()
        assert self.go_on.wait(10)
        return commit()


def test_call_that_ends_within_one_batch_is_one_insert(engine: Engine) -> None:
    held, call = Held(), uuid.uuid4()
    merged = Noting(engine, merged=True, offload=held)
    merged.begin({})
    assert held.reached.wait(5)
    merged.begin(start(call))
    ending = threading.Thread(target=merged.write, args=(end(call),))
    ending.start()
    time.sleep(0.05)
    held.go_on.set()
    ending.join()
    assert merged.acts == [{Act.WHOLE}]
    assert status(engine, call) is TransactionStatus.SUCCESSFUL


def test_call_that_ends_later_is_updated(merged: Writer, engine: Engine) -> None:
    call = uuid.uuid4()
    merged.begin(start(call))
    assert becomes(engine, call, TransactionStatus.PROCESSING)
    merged.write(end(call))
    assert status(engine, call) is TransactionStatus.SUCCESSFUL


# --- the database is away


def test_end_is_not_called_written_while_the_database_is_away(
    away: Away,
) -> None:
    held, call = Held(), uuid.uuid4()
    merged_away = Writer(away.engine, merged=True, offload=held)
    merged_away.begin({})
    assert held.reached.wait(5)
    merged_away.begin(start(call))
    outcome: list[bool] = []
    ending = threading.Thread(target=lambda: outcome.append(written(merged_away, end(call))))
    ending.start()
    time.sleep(0.05)
    away.leave()
    held.go_on.set()
    ending.join()
    assert outcome == [False]


def test_beginning_that_the_database_missed_is_not_lost(merged_away: Writer, away: Away) -> None:
    call = uuid.uuid4()
    away.leave()
    merged_away.begin(start(call))
    time.sleep(0.1)
    away.come_back()
    merged_away.write(end(call))
    assert status(away.engine, call) is TransactionStatus.SUCCESSFUL


def test_whole_call_that_the_database_missed_is_not_lost(merged_away: Writer, away: Away) -> None:
    call = uuid.uuid4()
    away.leave()
    merged_away.begin(start(call))
    assert not written(merged_away, end(call))
    merged_away.write_late(end(call))
    time.sleep(0.1)
    away.come_back()
    assert becomes(away.engine, call, TransactionStatus.SUCCESSFUL)
