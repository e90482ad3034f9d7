"""Engines of both databases: times, schemas, durability, and who waits for whom."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from common.db.database import TYPES, Database, database_url, new_metadata, open_engine
from common.settings import Environment
from sqlalchemy import Engine, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAIROBI = timezone(timedelta(hours=3))
MOMENT = datetime(2026, 11, 22, 15, 29, 14, 123456, tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Visit(Base):
    __tablename__ = "visits"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime | None]


@pytest.fixture
def visits(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    return database


@pytest.mark.parametrize(
    ("given", "back"),
    [
        (MOMENT, MOMENT),
        (MOMENT.astimezone(NAIROBI), MOMENT),
        (datetime(1, 1, 2, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)),
        (None, None),
    ],
)
def test_moment_comes_back_as_aware_utc(
    visits: Database, given: datetime | None, back: datetime | None
) -> None:
    with visits.writing() as session:
        session.add(Visit(id=1, at=given))
    with visits.reading() as session:
        found = session.get_one(Visit, 1).at
    assert found == back
    assert found is None or found.tzinfo is UTC


def test_naive_moment_is_refused(visits: Database) -> None:
    with (
        pytest.raises(StatementError, match="a naive datetime cannot be stored"),
        visits.writing() as session,
    ):
        session.add(Visit(id=1, at=datetime(2026, 11, 22)))  # noqa: DTZ001


def test_moments_compare_across_time_zones(visits: Database) -> None:
    with visits.writing() as session:
        session.add(Visit(id=1, at=MOMENT))
    with visits.reading() as session:
        later = session.query(Visit).where(Visit.at > (MOMENT - timedelta(1)).astimezone(NAIROBI))
        assert later.count() == 1


def test_act_that_fails_leaves_nothing(visits: Database) -> None:
    def act() -> None:
        with visits.writing() as session:
            session.add(Visit(id=1))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    with visits.reading() as session:
        assert session.get(Visit, 1) is None


def test_what_a_reading_session_changes_is_not_kept(visits: Database) -> None:
    with visits.reading() as session:
        session.add(Visit(id=1))
        session.flush()
    with visits.reading() as session:
        assert session.get(Visit, 1) is None


# --- PostgreSQL


@pytest.fixture
def two_schemas(scratch_postgres: str, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    with psycopg.connect(scratch_postgres, autocommit=True) as server:
        for name in ("left", "right"):
            server.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
    settings = Environment(var_dir=tmp_path, database_url_override=scratch_postgres)
    engines = open_engine(settings, "left"), open_engine(settings, "right")
    yield engines
    for engine in engines:
        Base.metadata.drop_all(engine)
        engine.dispose()


def test_service_sees_only_its_own_schema(two_schemas: tuple[Engine, Engine]) -> None:
    left, right = two_schemas
    Base.metadata.create_all(left)
    with right.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('visits')")) is None


def test_same_table_lives_in_two_schemas(two_schemas: tuple[Engine, Engine]) -> None:
    for engine in two_schemas:
        Base.metadata.create_all(engine)
    with two_schemas[0].begin() as connection:
        connection.execute(text("INSERT INTO visits (id) VALUES (1)"))
    with two_schemas[1].connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM visits")) == 0


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        (
            {"postgres_user": "a@b", "postgres_password": "p/w:d%"},
            "postgresql+psycopg://a%40b:p%2Fw%3Ad%25@127.0.0.1:5432/kiungo",
        ),
        ({"database_url_override": "postgres://h/d"}, "postgresql+psycopg://h/d"),
        ({"database_url_override": "postgresql://h/d"}, "postgresql+psycopg://h/d"),
        ({"database_url_override": "postgresql+psycopg://h/d"}, "postgresql+psycopg://h/d"),
    ],
)
def test_url_of_postgresql(changes: dict[str, str], url: str) -> None:
    assert database_url(Environment(db_engine="postgres", **changes), "proxy") == url


# --- SQLite


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Database]:
    engine = open_engine(Environment(var_dir=tmp_path / "new" / "var"), "proxy")
    Base.metadata.create_all(engine)
    yield Database(engine)
    engine.dispose()


def files(database: Database) -> list[Path]:
    path = Path(database.engine.url.database or "")
    return sorted(path.parent.glob(f"{path.name}*"))


def test_sqlite_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(open_engine(Environment(var_dir=tmp_path), "proxy"))
        with database.writing() as session:
            session.execute(text("CREATE TABLE t (x)"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(database)}
        database.engine.dispose()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(
        ["proxy.sqlite3", "proxy.sqlite3-shm", "proxy.sqlite3-wal"], 0o600
    )


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: a commit is on disk when it returns
        ("foreign_keys", 1),
        ("busy_timeout", 10_000),
    ],
)
def test_every_sqlite_connection_is_set_up(embedded: Database, pragma: str, value: object) -> None:
    with embedded.engine.connect() as one, embedded.engine.connect() as other:
        for connection in (one, other):
            assert connection.connection.cursor().execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_writing_act_holds_the_write_lock_from_its_start(embedded: Database) -> None:
    path = files(embedded)[0]
    with embedded.writing() as session:
        session.connection()
        other = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_reader_does_not_wait_for_a_writer(embedded: Database) -> None:
    with embedded.writing() as writer:
        writer.add(Visit(id=1))
        writer.flush()
        with embedded.reading() as reader:
            assert reader.get(Visit, 1) is None


def test_second_writer_waits_its_turn(embedded: Database) -> None:
    order: list[str] = []

    def second() -> None:
        with embedded.writing() as session:
            session.connection()
            order.append("second")

    with embedded.writing() as session:
        session.connection()
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_file_that_another_is_just_creating_is_waited_for(tmp_path: Path) -> None:
    creator = sqlite3.connect(
        tmp_path / "proxy.sqlite3", isolation_level=None, check_same_thread=False
    )
    creator.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, lambda: creator.execute("COMMIT"))
    done.start()

    engine = open_engine(Environment(var_dir=tmp_path), "proxy")
    with engine.begin() as connection:
        mode = connection.scalar(text("PRAGMA journal_mode"))

    done.join()
    creator.close()
    engine.dispose()
    assert mode == "wal"
