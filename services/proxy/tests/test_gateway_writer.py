"""One writer, group commit: what was written is on disk, and one bad row is only its own."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from proxy.gateway import writer as writer_module
from proxy.gateway.statements import Act
from proxy.gateway.writer import MAX_WAITING_REFUSALS, AlreadyThere, Rows, WriteFailed, Writer
from proxy.models import Rejection, StoredRequest, Transaction, TransactionStatus
from proxy.parts import Parts
from sqlalchemy import Engine, func, select

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def started(call: uuid.UUID, **changes: Any) -> dict[str, Any]:
    known = {
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
        "started_at": NOW,
    }
    return {**known, **changes}


def start(call: uuid.UUID, **changes: Any) -> Rows:
    return {Act.START: started(call, **changes)}


def refusal(**changes: Any) -> dict[str, Any]:
    known = {
        "correlation_id": uuid.uuid4(),
        "rejected_at": NOW,
        "client_claimed": None,
        "client_address": "127.0.0.1",
        "request_method": "GET",
        "request_path": "/a",
        "status_code": 404,
        "reason": "none",
        "nearest": None,
    }
    return {**known, **changes}


class Gate:
    """Lets the writer commit when it is open; meanwhile the next batch gathers."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()
        self.open = self._open.set
        self.open()
        self.commits = 0

    def close(self) -> None:
        self._open.clear()
        self.reached.clear()

    def __call__(self, commit: Callable[[], Any]) -> Any:
        self.reached.set()
        assert self._open.wait(20)
        self.commits += 1
        return commit()


@pytest.fixture(scope="module")
def shared(shared_app: Flask) -> tuple[Writer, Gate]:
    """A writer never ends, and keeps its connection."""
    gate = Gate()
    return Writer(shared_app.extensions["proxy"].database.engine, merged=False, offload=gate), gate


@pytest.fixture
def gate(shared: tuple[Writer, Gate]) -> Iterator[Gate]:
    yield shared[1]
    shared[1].open()


@pytest.fixture
def writer(shared: tuple[Writer, Gate]) -> Writer:
    return shared[0]


@pytest.fixture
def engine(parts: Parts) -> Engine:
    """The database, empty."""
    return parts.database.engine


def count(engine: Engine, model: type[Any] = Transaction) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def together(writer: Writer, gate: Gate) -> Iterator[Callable[..., list[Exception | None]]]:
    """Writes several at once, so that they meet in one batch; their errors in order."""
    pool = ThreadPoolExecutor(80)

    def write(*several: Rows) -> list[Exception | None]:
        gate.close()
        first = pool.submit(writer.write, start(uuid.uuid4()))
        assert gate.reached.wait(5)
        written = [pool.submit(writer.write, rows) for rows in several]
        while not all(one.running() for one in written):
            time.sleep(0.001)
        time.sleep(0.02)  # until each has handed its rows over
        gate.open()
        first.result(20)
        return [one.exception(20) for one in written]  # type: ignore[misc]

    yield write
    pool.shutdown()


def test_what_was_written_is_there(writer: Writer, engine: Engine) -> None:
    writer.write(start(uuid.uuid4()))
    assert count(engine) == 1


def test_beginning_of_a_call_is_there_before_it_goes_on(writer: Writer, engine: Engine) -> None:
    writer.begin(start(uuid.uuid4()))
    assert count(engine) == 1


def test_rows_of_one_act_are_there_together(writer: Writer, engine: Engine) -> None:
    call = uuid.uuid4()
    copy = {"correlation_id": call, "raw_path": "/a", "sealed": b"x", "body": b"y"}
    writer.write({**start(call), Act.STORE: copy})
    assert (count(engine), count(engine, StoredRequest)) == (1, 1)


def test_rows_of_one_act_are_there_together_or_not_at_all(writer: Writer, engine: Engine) -> None:
    call = uuid.uuid4()
    of_another = {"correlation_id": uuid.uuid4(), "raw_path": "/a", "sealed": b"x", "body": b"y"}
    with pytest.raises(WriteFailed):
        writer.write({**start(call), Act.STORE: of_another})
    assert (count(engine), count(engine, StoredRequest)) == (0, 0)


def test_bytes_of_each_row_stay_its_own(
    together: Callable[..., list[Exception | None]], engine: Engine
) -> None:
    bodies = {uuid.uuid4(): bytes([number]) * number for number in range(5)}
    rows = [
        {
            **start(call),
            Act.STORE: {"correlation_id": call, "raw_path": "/", "sealed": b"", "body": body},
        }
        for call, body in bodies.items()
    ]
    assert together(*rows) == [None] * 5
    with engine.connect() as connection:
        found = connection.execute(select(StoredRequest.correlation_id, StoredRequest.body))
        assert {row.correlation_id: row.body for row in found} == bodies


def test_writes_that_meet_are_committed_once(
    together: Callable[..., list[Exception | None]], gate: Gate, engine: Engine
) -> None:
    before = gate.commits
    assert together(*(start(uuid.uuid4()) for _ in range(60))) == [None] * 60
    assert count(engine) == 61
    assert gate.commits - before == 2


def test_key_that_exists_is_told_apart(writer: Writer) -> None:
    call = uuid.uuid4()
    writer.write(start(call))
    with pytest.raises(AlreadyThere):
        writer.write(start(call))


BAD: dict[str, Callable[[], Rows]] = {
    "lone surrogate": lambda: start(uuid.uuid4(), request_body="\ud800"),
    "no time": lambda: start(uuid.uuid4(), started_at="some day"),
    "time without a zone": lambda: start(uuid.uuid4(), started_at=datetime(2026, 1, 1)),  # noqa: DTZ001
    "no JSON": lambda: start(uuid.uuid4(), request_headers={"a": object()}),
    "nothing where something must be": lambda: start(uuid.uuid4(), client_name=None),
    "number too large": lambda: {Act.WHOLE: started(uuid.uuid4(), response_status_code=2**70)},
    "column that is missing": lambda: {Act.START: {"correlation_id": uuid.uuid4()}},
    "stored request of no call": lambda: {
        Act.STORE: {
            "correlation_id": uuid.uuid4(),
            "raw_path": "/",
            "sealed": b"",
            "body": b"",
        }
    },
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_row_that_the_database_will_not_take_fails_alone(
    together: Callable[..., list[Exception | None]], engine: Engine, bad: Callable[[], Rows]
) -> None:
    good = [start(uuid.uuid4()) for _ in range(3)]
    errors = together(good[0], bad(), *good[1:])
    assert isinstance(errors.pop(1), WriteFailed)
    assert errors == [None] * 3
    assert count(engine) == 4


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_writer_outlives_a_row_that_the_database_will_not_take(
    writer: Writer, engine: Engine, bad: Callable[[], Rows]
) -> None:
    with pytest.raises(WriteFailed):
        writer.write(bad())
    writer.write(start(uuid.uuid4()))
    assert count(engine) == 1


def test_key_that_exists_fails_alone(
    together: Callable[..., list[Exception | None]], engine: Engine
) -> None:
    call = uuid.uuid4()
    errors = together(start(call), start(uuid.uuid4()), start(call))
    assert [type(error) for error in errors] == [type(None), type(None), AlreadyThere]
    assert count(engine) == 3


# --- refusals


def settle(writer: Writer) -> None:
    """Return once everything that was handed to the writer so far is through."""
    writer.write({})


def test_refusal_is_kept_without_anybody_waiting(writer: Writer, engine: Engine) -> None:
    writer.refuse(refusal())
    settle(writer)
    assert count(engine, Rejection) == 1


def test_flood_of_refusals_is_kept_up_to_a_bound(
    writer: Writer, engine: Engine, gate: Gate
) -> None:
    gate.close()
    writer.refuse(refusal())
    gate.reached.wait(5)
    for _ in range(MAX_WAITING_REFUSALS + 500):
        writer.refuse(refusal())
    gate.open()
    settle(writer)
    assert count(engine, Rejection) == MAX_WAITING_REFUSALS + 1


def test_refusals_are_kept_again_after_a_flood(
    writer: Writer, engine: Engine, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING_REFUSALS", 10)
    gate.close()
    for _ in range(30):
        writer.refuse(refusal())
    gate.open()
    settle(writer)
    before = count(engine, Rejection)
    writer.refuse(refusal())
    settle(writer)
    assert count(engine, Rejection) == before + 1


def test_refusal_that_cannot_be_kept_does_no_harm(writer: Writer, engine: Engine) -> None:
    writer.refuse(refusal(reason="\ud800"))
    writer.refuse(refusal())
    settle(writer)
    assert count(engine, Rejection) == 1
