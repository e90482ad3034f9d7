"""Backups: one moment for all databases, whoever writes meanwhile; all back, or nothing."""

import os
import sqlite3
import stat
import tarfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import backup as module
import psycopg
import pytest
from backup import SCHEMAS, BackupError, backup, restore

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
FILES = [f"{schema}.sqlite3" for schema in SCHEMAS]


@pytest.fixture
def var_dir(tmp_path: Path) -> Path:
    """An installation of four databases, and a key."""
    folder = tmp_path / "var"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "secret").touch(mode=0o600)
    (folder / "keys" / "secret").write_text("s3cret")
    for name in FILES:
        with closing(sqlite3.connect(folder / name)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE counter (n INTEGER)")
            database.execute("INSERT INTO counter VALUES (0)")
            database.commit()
    return folder


def counted(folder: Path) -> list[int]:
    found = []
    for name in FILES:
        with closing(sqlite3.connect(folder / name)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            found.append(database.execute("SELECT n FROM counter").fetchone()[0])
    return found


def test_all_databases_are_of_one_moment_while_they_are_written(
    var_dir: Path, tmp_path: Path
) -> None:
    """One writer counts in one database after the other: none is ahead of one before it."""
    over = threading.Event()

    def count() -> None:
        databases = [sqlite3.connect(var_dir / name, timeout=30) for name in FILES]
        number = 0
        while not over.is_set():
            number += 1
            for database in databases:
                database.execute("UPDATE counter SET n = ?", (number,))
                database.commit()
        for database in databases:
            database.close()

    writer = threading.Thread(target=count)
    writer.start()
    try:
        for at in range(15):
            backup(var_dir, tmp_path / f"{at}.tar.gz", {})
    finally:
        over.set()
        writer.join()
    for at in range(15):
        restore(tmp_path / f"{at}.tar.gz", tmp_path / f"again-{at}", {})
        found = counted(tmp_path / f"again-{at}")
        assert found == sorted(found, reverse=True)
        assert found[0] - found[-1] <= 1


def test_backup_is_nobody_elses_to_read_and_brings_keys_back_so(
    var_dir: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new" / "b.tar.gz"
    assert backup(var_dir, target, {}) == [*sorted(FILES), "keys"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = tmp_path / "again"
    restore(target, again, {})
    assert (again / "keys" / "secret").read_text() == "s3cret"
    assert stat.S_IMODE((again / "keys" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(again.stat().st_mode) == 0o700


def test_keys_of_other_folders_come_too_and_go_where_settings_say(
    var_dir: Path, tmp_path: Path
) -> None:
    for name in ("seal", "messages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.key").write_text(name)
    elsewhere = {
        "SEAL_KEYS_DIR": str(tmp_path / "seal"),
        "MESSAGE_KEYS_DIR": str(tmp_path / "messages"),
    }
    backup(var_dir, tmp_path / "b.tar.gz", elsewhere)
    with pytest.raises(BackupError, match="seal is not empty"):
        restore(tmp_path / "b.tar.gz", tmp_path / "again", elsewhere)
    seal = tmp_path / "new" / "seal"
    restore(tmp_path / "b.tar.gz", tmp_path / "again", {"SEAL_KEYS_DIR": str(seal)})
    assert (seal / "1.key").read_text() == "seal"
    keys = tmp_path / "again" / "keys"
    assert sorted(one.name for one in keys.iterdir()) == ["messages", "secret"]
    assert (keys / "messages" / "1.key").read_text() == "messages"


def test_nothing_is_replaced(var_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    backup(var_dir, target, {})
    with pytest.raises(BackupError, match="exists already"):
        backup(var_dir, target, {})
    with pytest.raises(BackupError, match="not empty"):
        restore(target, var_dir, {})


def test_what_is_no_backup_restores_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with tarfile.open(tmp_path / "outside.tar", "w") as packed:
        packed.add(tmp_path / "text", arcname="../outside")
    for name in ("text", "outside.tar", "missing"):
        with pytest.raises(BackupError, match="cannot be read"):
            restore(tmp_path / name, tmp_path / "again", {})
    assert not (tmp_path / "again").exists()


def test_where_nothing_is_installed_there_is_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no installation"):
        backup(tmp_path / "var", tmp_path / "b.tar.gz", {})
    assert not (tmp_path / "b.tar.gz").exists()


def test_backup_of_sqlite_does_not_go_to_another_database(var_dir: Path, tmp_path: Path) -> None:
    backup(var_dir, tmp_path / "b.tar.gz", {})
    with pytest.raises(BackupError, match="names another database"):
        restore(tmp_path / "b.tar.gz", tmp_path / "again", {"DATABASE_URL": f"{POSTGRES}/x"})


@pytest.fixture
def databases() -> Iterator[tuple[str, str]]:
    """The URLs of two new databases; the first has the schemas, each with a row."""
    names = [f"kiungo_backup_{uuid.uuid4().hex[:8]}" for _ in range(2)]
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"PostgreSQL is not reachable: {type(exc).__name__}")
    with server:
        for name in names:
            server.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(f"{POSTGRES}/{names[0]}") as made:
            for schema in SCHEMAS:
                made.execute(f"CREATE SCHEMA {schema}")
                made.execute(f"CREATE TABLE {schema}.counter AS SELECT 7 AS n")
        yield f"{POSTGRES}/{names[0]}", f"{POSTGRES}/{names[1]}"
        for name in names:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_schemas_of_postgresql_come_back_together(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    if module.shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    old, new = databases
    assert backup(tmp_path / "var", tmp_path / "b.tar.gz", {"DATABASE_URL": old}) == ["PostgreSQL"]
    restore(tmp_path / "b.tar.gz", tmp_path / "again", {"DATABASE_URL": new})
    with psycopg.connect(new) as restored:
        for schema in SCHEMAS:
            assert restored.execute(f"SELECT n FROM {schema}.counter").fetchall() == [(7,)]
    with pytest.raises(BackupError, match="already exists"):
        restore(tmp_path / "b.tar.gz", tmp_path / "third", {"DATABASE_URL": new})
    assert not (tmp_path / "third").exists()
    assert not list((tmp_path / "again").glob("*.dump"))
