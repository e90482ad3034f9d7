"""Rows are written into SQLite by a process beside ours: what becomes of them when it fails."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from common.db.database import open_engine
from common.db.rows import sqlite as rows_module
from common.db.rows import sqlite_process
from common.db.rows.committer import RowCommitter
from common.db.rows.errors import AlreadyThere, CommitUnknown, DatabaseAway, WriteFailed
from common.db.rows.sqlite import SqliteRows
from common.db.rows.statements import Insert
from common.db.write_lock import WriteLock
from common.settings import Environment
from sqlalchemy import Column, Engine, LargeBinary, MetaData, String, Table, Uuid, func, select

T = TypeVar("T")
TABLE = Table(
    "thing",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("name", String(40), nullable=False),
    Column("body", LargeBinary),
)
STATEMENTS = {"add": Insert(TABLE)}
MOST_S = 10


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(Environment(var_dir=tmp_path), "things")
    TABLE.create(made)
    yield made
    made.dispose()


@pytest.fixture
def within(engine: Engine) -> Callable[[Callable[[SqliteRows], Coroutine[Any, Any, T]]], T]:
    """Does something with rows of one loop."""

    def run(act: Callable[[SqliteRows], Coroutine[Any, Any, T]]) -> T:
        async def acting() -> T:
            rows = SqliteRows(engine)
            try:
                return await act(rows)
            finally:
                await rows.disconnect()

        return asyncio.run(acting())

    return run


def a_row(**changes: Any) -> dict[str, Any]:
    return {"id": uuid.uuid4(), "name": "a", "body": b"\x00\xff", **changes}


def work(*rows: dict[str, Any]) -> Any:
    return [(STATEMENTS["add"], list(rows))]


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(TABLE)) or 0


def beside() -> list[psutil.Process]:
    """The processes that write for this one."""
    children = psutil.Process().children()
    return [one for one in children if sqlite_process.__file__ in one.cmdline()]


def test_rows_are_on_disk_when_they_are_written(engine: Engine, within: Any) -> None:
    given = [a_row(name=f"n{number}") for number in range(150)]
    within(lambda rows: rows.write(work(*given)))
    with engine.connect() as connection:
        found = connection.execute(select(TABLE)).mappings().all()
    assert sorted(map(dict, found), key=str) == sorted(given, key=str)
    assert beside() == []


def test_a_key_that_is_there_fails_all_of_its_batch(engine: Engine, within: Any) -> None:
    row = a_row()

    async def write(rows: SqliteRows) -> None:
        await rows.write(work(row))
        with pytest.raises(AlreadyThere, match="IntegrityError"):
            await rows.write(work(a_row(), row))
        await rows.write(work(a_row()))

    within(write)
    assert count(engine) == 2


@pytest.mark.parametrize("value", [object(), "\ud800", 2**70])
def test_a_value_that_cannot_be_stored_leaves_nothing(
    engine: Engine, within: Any, value: object
) -> None:
    async def write(rows: SqliteRows) -> None:
        with pytest.raises(WriteFailed) as failed:
            await rows.write(work(a_row(), a_row(name=value)))
        assert not isinstance(failed.value, DatabaseAway)
        await rows.write(work(a_row()))

    within(write)
    assert count(engine) == 1


def test_a_database_that_is_gone_is_away_until_it_is_back(
    engine: Engine, within: Any, tmp_path: Path
) -> None:
    engine.dispose()
    file = tmp_path / "things.sqlite3"
    file.rename(tmp_path / "elsewhere")

    async def write(rows: SqliteRows) -> None:
        with pytest.raises(DatabaseAway, match="OperationalError") as away:
            await rows.write(work(a_row()))
        assert not isinstance(away.value, CommitUnknown)
        assert not file.exists()
        (tmp_path / "elsewhere").rename(file)
        await rows.write(work(a_row()))

    within(write)
    assert count(engine) == 1


def test_whoever_kills_the_process_makes_what_it_did_unknown_and_it_is_looked_for(
    engine: Engine,
) -> None:
    first, second = {"add": a_row()}, {"add": a_row()}

    async def write() -> list[bool]:
        committer = RowCommitter(engine, STATEMENTS)
        await committer.commit([first])
        (process,) = beside()
        process.kill()
        process.wait()
        with pytest.raises(CommitUnknown):
            await committer.commit([second])
        found = [await committer.has_written([one]) for one in (first, second)]
        await committer.commit([second])
        await committer.disconnect()
        return found

    assert asyncio.run(write()) == [True, False]
    assert count(engine) == 2


def test_a_process_that_stands_still_is_given_up_and_writes_nothing_later(
    engine: Engine, within: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(rows: SqliteRows) -> None:
        await rows.write(work(a_row()))
        monkeypatch.setattr(rows_module, "ANSWER_TIMEOUT_S", 0.3)
        (process,) = beside()
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(CommitUnknown, match="TimeoutError"):
            await rows.write(work(a_row()))
        assert not process.is_running()
        monkeypatch.setattr(rows_module, "ANSWER_TIMEOUT_S", MOST_S)
        await rows.write(work(a_row()))

    within(write)
    assert count(engine) == 2


def test_it_waits_for_its_turn(engine: Engine, within: Any) -> None:
    async def write(rows: SqliteRows) -> None:
        with WriteLock(engine):
            writing = asyncio.ensure_future(rows.write(work(a_row())))
            await asyncio.sleep(0.5)
            assert not writing.done()
        await writing

    within(write)
    assert count(engine) == 1


OWNER = """
import asyncio, sys, uuid
from pathlib import Path
import test_sqlite_rows as tests
from common.db.database import open_engine
from common.db.rows.sqlite import SqliteRows
from common.settings import Environment

async def main():
    rows = SqliteRows(open_engine(Environment(var_dir=Path(sys.argv[1])), "things"))
    await rows.write(tests.work(tests.a_row()))
    print(tests.beside()[0].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_it_ends_with_the_process_that_it_writes_for(engine: Engine, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    ) as owner:
        assert owner.stdout is not None
        process = psutil.Process(int(owner.stdout.readline()))
        for one in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(one)  # its owner's matter
        time.sleep(0.2)
        assert process.is_running()
        owner.kill()
    process.wait(MOST_S)
    assert count(engine) == 1
