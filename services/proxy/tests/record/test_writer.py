"""One writer, group commit: what was written is on disk, and one bad row is only its own."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from common.db.database import is_sqlite
from common.db.group_commit import COMMIT_SIBLINGS
from common.db.rows.committer import RowCommitter
from common.db.rows.postgres import PostgresRows
from common.db.rows.sqlite import SqliteRows
from proxy.container import Container
from proxy.models import Rejection, StoredRequest, Transaction, TransactionStatus
from proxy.record import writer as writer_module
from proxy.record.rows import Stopwatch, ended_row
from proxy.record.statements import STATEMENTS, Act
from proxy.record.writer import (
    MAX_WAITING_REJECTIONS,
    AlreadyThere,
    Item,
    Rows,
    WriteFailed,
    Writer,
)
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


def rejection(**changes: Any) -> dict[str, Any]:
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


class Counted(Writer):
    """Counts its batches; `reached` is set when one is about to be committed."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, merged=False)
        self.batches = 0
        self.reached = asyncio.Event()

    def prepare(self, batch: list[Item[Act]]) -> list[Item[Act]]:
        self.batches += 1
        self.reached.set()
        return super().prepare(batch)


@pytest.fixture
def engine(container: Container) -> Engine:
    """The database, empty."""
    return container.database.engine


@pytest.fixture
def writer(engine: Engine, run: Any) -> Iterator[Counted]:
    made = Counted(engine)
    yield made
    run(made.close())


def count(engine: Engine, model: type[Any] = Transaction) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


Together = Callable[..., list[Exception | None]]


@pytest.fixture
def together(writer: Counted, run: Any) -> Together:
    """Writes several while another batch is committed, so that they meet in the next one; their
    errors in order."""

    async def write(several: tuple[Rows, ...]) -> list[Exception | None]:
        writer.reached.clear()
        first = asyncio.create_task(writer.write(start(uuid.uuid4())))
        await writer.reached.wait()
        written = await asyncio.gather(
            *(writer.write(rows) for rows in several), return_exceptions=True
        )
        await first
        return written  # type: ignore[return-value]

    return lambda *several: run(write(several))


def test_what_was_written_is_there(run: Any, writer: Counted, engine: Engine) -> None:
    run(writer.write(start(uuid.uuid4())))
    assert count(engine) == 1


def test_beginning_of_a_call_is_there_before_it_goes_on(
    run: Any, writer: Counted, engine: Engine
) -> None:
    run(writer.begin(start(uuid.uuid4())))
    assert count(engine) == 1


def test_rows_of_one_act_are_there_together(run: Any, writer: Counted, engine: Engine) -> None:
    call = uuid.uuid4()
    copy = {"correlation_id": call, "raw_path": "/a", "sealed": b"x", "body": b"y"}
    run(writer.write({**start(call), Act.STORE: copy}))
    assert (count(engine), count(engine, StoredRequest)) == (1, 1)


def test_rows_of_one_act_are_there_together_or_not_at_all(
    run: Any, writer: Counted, engine: Engine
) -> None:
    call = uuid.uuid4()
    pathless = {"correlation_id": call, "raw_path": None, "sealed": b"x", "body": b"y"}
    with pytest.raises(WriteFailed):
        run(writer.write({**start(call), Act.STORE: pathless}))
    assert (count(engine), count(engine, StoredRequest)) == (0, 0)


@pytest.mark.parametrize("before", [1, COMMIT_SIBLINGS])
def test_after_a_large_batch_a_commit_waits_for_more(
    before: int, run: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = SqliteRows if is_sqlite(engine) else PostgresRows
    monkeypatch.setattr(rows, "worth_waiting_s", 0.3)
    writer = Counted(engine)

    async def one_after_the_other() -> int:
        await asyncio.gather(*(writer.write(start(uuid.uuid4())) for _ in range(before)))
        batches = writer.batches
        first = asyncio.create_task(writer.write(start(uuid.uuid4())))
        for _ in range(5):  # the writer has its turn
            await asyncio.sleep(0)
        await asyncio.gather(first, writer.write(start(uuid.uuid4())))
        await writer.close()
        return writer.batches - batches

    assert run(one_after_the_other()) == (1 if before >= COMMIT_SIBLINGS else 2)


def test_bytes_of_each_row_stay_its_own(together: Together, engine: Engine) -> None:
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


@pytest.mark.parametrize("many", [1, 2, 7, 100])
def test_ends_that_meet_are_each_their_calls_own(
    together: Together, engine: Engine, many: int
) -> None:
    calls = {uuid.uuid4(): number / 8 for number in range(many)}
    assert together(*(start(call) for call in calls)) == [None] * many
    done = TransactionStatus.SUCCESSFUL
    ended = [ended_row(call, done, Stopwatch(0, took)) for call, took in calls.items()]
    assert together(*({Act.END: row} for row in ended)) == [None] * many
    with engine.connect() as connection:
        wanted = select(Transaction.correlation_id, Transaction.match_ms)
        assert dict(connection.execute(wanted.where(Transaction.status == done)).all()) == calls


def test_writes_that_meet_are_committed_once(
    together: Together, writer: Counted, engine: Engine
) -> None:
    assert together(*(start(uuid.uuid4()) for _ in range(60))) == [None] * 60
    assert count(engine) == 61
    assert writer.batches == 2


def test_key_that_exists_is_told_apart(run: Any, writer: Counted) -> None:
    call = uuid.uuid4()
    run(writer.write(start(call)))
    with pytest.raises(AlreadyThere):
        run(writer.write(start(call)))


BAD: dict[str, Callable[[], Rows]] = {
    "lone surrogate": lambda: start(uuid.uuid4(), request_body="\ud800"),
    "no time": lambda: start(uuid.uuid4(), started_at="some day"),
    "time without a zone": lambda: start(uuid.uuid4(), started_at=datetime(2026, 1, 1)),  # noqa: DTZ001
    "no JSON": lambda: start(uuid.uuid4(), request_headers={"a": object()}),
    "nothing where something must be": lambda: start(uuid.uuid4(), client_name=None),
    "number too large": lambda: {Act.WHOLE: started(uuid.uuid4(), response_status_code=2**70)},
    "column that is missing": lambda: {Act.START: {"correlation_id": uuid.uuid4()}},
    "stored request without a path": lambda: {
        Act.STORE: {
            "correlation_id": uuid.uuid4(),
            "raw_path": None,
            "sealed": b"",
            "body": b"",
        }
    },
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_row_that_the_database_will_not_take_fails_alone(
    together: Together, engine: Engine, bad: Callable[[], Rows]
) -> None:
    good = [start(uuid.uuid4()) for _ in range(3)]
    errors = together(good[0], bad(), *good[1:])
    assert isinstance(errors.pop(1), WriteFailed)
    assert errors == [None] * 3
    assert count(engine) == 4


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_writer_outlives_a_row_that_the_database_will_not_take(
    run: Any, writer: Counted, engine: Engine, bad: Callable[[], Rows]
) -> None:
    with pytest.raises(WriteFailed):
        run(writer.write(bad()))
    run(writer.write(start(uuid.uuid4())))
    assert count(engine) == 1


def test_key_that_exists_fails_alone(together: Together, engine: Engine) -> None:
    call = uuid.uuid4()
    errors = together(start(call), start(uuid.uuid4()), start(call))
    assert [type(error) for error in errors] == [type(None), type(None), AlreadyThere]
    assert count(engine) == 3


# --- rejections


@pytest.fixture
def refuse(writer: Counted, run: Any) -> Callable[..., None]:
    """Hands rejections to the writer at once; returns when they are through."""

    async def hand_over(rows: tuple[dict[str, Any], ...]) -> None:
        for row in rows:
            writer.reject(row)
        await writer.write({})

    return lambda *rows: run(hand_over(rows))


def test_a_row_whose_reply_was_lost_is_found_again(run: Any, engine: Engine) -> None:
    written, other = uuid.uuid4(), uuid.uuid4()

    async def ask() -> list[bool]:
        committer = RowCommitter(engine, STATEMENTS)
        await committer.commit([start(written)])
        found = [await committer.has_written([start(one)]) for one in (written, other)]
        await committer.disconnect()
        return found

    assert run(ask()) == [True, False]


def test_rejection_is_kept_without_anybody_waiting(
    writer: Counted, run: Any, engine: Engine
) -> None:
    async def refuse() -> None:
        writer.reject(rejection())

    run(refuse())
    deadline = time.monotonic() + 5
    while not count(engine, Rejection) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert count(engine, Rejection) == 1


def test_flood_of_rejections_is_kept_up_to_a_bound(
    refuse: Callable[..., None], engine: Engine
) -> None:
    refuse(*(rejection() for _ in range(MAX_WAITING_REJECTIONS + 500)))
    assert count(engine, Rejection) == MAX_WAITING_REJECTIONS


def test_rejections_are_kept_again_after_a_flood(
    refuse: Callable[..., None], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING_REJECTIONS", 10)
    refuse(*(rejection() for _ in range(30)))
    assert count(engine, Rejection) == 10
    refuse(*(rejection() for _ in range(30)))
    assert count(engine, Rejection) == 20


def test_rejection_that_cannot_be_kept_does_no_harm(
    refuse: Callable[..., None], engine: Engine
) -> None:
    refuse(rejection(reason="\ud800"), rejection())
    assert count(engine, Rejection) == 1
