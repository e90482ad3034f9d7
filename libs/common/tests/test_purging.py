"""What was removed: in batches with rests, and an SQLite file that shrinks by it."""

import os
from pathlib import Path

import pytest
from common.db import file_size
from common.db.database import Database, open_engine
from common.db.file_size import give_back
from common.db.purging import in_batches
from common.settings import Environment
from sqlalchemy import text
from sqlalchemy.orm import Session


@pytest.fixture
def rows(database: Database) -> Database:
    with database.writing() as session:
        session.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)"))
        session.execute(
            text("INSERT INTO things VALUES (1, ''), (2, ''), (3, ''), (4, ''), (5, '')")
        )
    return database


def test_batches_are_small_and_rest(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr("common.db.purging.time.sleep", rests.append)
    counts: list[int] = []

    def step(session: Session, limit: int) -> int:
        some = f"SELECT id FROM things LIMIT {limit}"
        gone = session.execute(text(f"DELETE FROM things WHERE id IN ({some})"))
        counts.append(gone.rowcount)  # type: ignore[attr-defined]
        return counts[-1]

    assert in_batches(rows, step, batch=2) == 5
    assert counts == [2, 2, 1]
    assert len(rests) == 2
    assert min(rests) > 0


def test_purges_leave_no_file_open(rows: Database) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    in_batches(rows, lambda _session, _limit: 0)
    before = open_files()
    for _ in range(20):
        in_batches(rows, lambda _session, _limit: 0)
    assert open_files() == before


def test_file_gives_back_what_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_size, "STEP", 200)
    database = Database(open_engine(Environment(var_dir=tmp_path), "kept"))
    file = tmp_path / "kept.sqlite3"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
    with database.writing() as session:
        session.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB)"))
        session.execute(text(f"INSERT INTO things {numbers} SELECT i, zeroblob(8000) FROM n"))
    before = _after_checkpoint(database, file)
    with database.writing() as session:
        session.execute(text("DELETE FROM things WHERE id <= 300"))

    assert give_back(database) > 500
    assert give_back(database) == 0

    assert _after_checkpoint(database, file) < before / 2
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM things")) == 100
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    database.engine.dispose()


def _after_checkpoint(database: Database, file: Path) -> int:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
        connection.exec_driver_sql("BEGIN")
    return file.stat().st_size
