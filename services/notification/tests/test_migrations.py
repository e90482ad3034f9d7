"""Migrations and first data: started twice, they end well and leave the same."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from common.db.database import open_engine
from notification.app import create_app
from notification.catalogue.first_data import STATUSES
from notification.config import SCHEMA, Settings
from notification.container import container
from service_migrations import check_there_and_back, empty_database
from sqlalchemy import inspect, text

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


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "notification", *arguments]


def flask(environ: dict[str, str], *arguments: str) -> str:
    """Run a command; what it printed."""
    return subprocess.run(
        command(*arguments),
        env=environ,
        cwd=environ["VAR_DIR"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
        check=True,
    ).stdout


def codes(environ: dict[str, str], table: str) -> list[str]:
    engine = open_engine(Settings.read(environ), SCHEMA)
    with engine.connect() as connection:
        found = list(connection.scalars(text(f"SELECT code FROM {table} ORDER BY id")))
    engine.dispose()
    return found


def test_two_upgrades_at_once_leave_the_tables_of_the_models_and_the_first_data(environ):
    here = {"env": environ, "cwd": environ["VAR_DIR"]}
    upgrades = [subprocess.Popen(command("db", "upgrade"), **here) for _ in range(2)]
    assert [one.wait(100) for one in upgrades] == [0, 0]
    flask(environ, "db", "check")
    assert codes(environ, "lk_module") == [
        *("REGISTRATION", "LICENCE", "INTERNSHIP", "CPD"),
        *("PAYMENT", "UAA", "NOTIFICATION", "POLICY"),
    ]
    assert codes(environ, "lk_priority") == ["LOW", "NORMAL", "HIGH", "CRITICAL"]
    assert codes(environ, "lk_actor_type") == ["TEACHER", "STAFF", "SYSTEM", "FAMILY"]
    assert len(codes(environ, "event_catalog")) == 10


def test_seeding_again_adds_what_is_missing_and_changes_nothing(environ):
    flask(environ, "db", "upgrade")
    engine = open_engine(Settings.read(environ), SCHEMA)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM lk_status WHERE code = 'UNKNOWN'"))
        connection.execute(text("UPDATE lk_channel SET name = 'Text', is_active = false"))

    assert flask(environ, "seed-lookups") == "1 records added\n"

    with engine.connect() as connection:
        channels = connection.execute(text("SELECT name, is_active FROM lk_channel"))
        assert [(name, bool(active)) for name, active in channels] == [("Text", False)] * 4
    engine.dispose()
    assert "UNKNOWN" in codes(environ, "lk_status")


def test_a_rule_that_was_silently_for_everyone_says_so(environ):
    flask(environ, "db", "upgrade", "0003")
    engine = open_engine(Settings.read(environ), SCHEMA)
    rule = "INSERT INTO event_rule VALUES (:id, 'LICENCE_ISSUED', :who, 'NORMAL', true, :at, :at)"
    people = {"": "ALL", "STAFF": "STAFF", "*": "*"}
    with engine.begin() as connection:
        for who in people:
            given = {"id": uuid.uuid4().hex, "who": who, "at": "2026-11-29 00:00:00+00:00"}
            connection.execute(text(rule), given)

    flask(environ, "db", "upgrade")

    with engine.connect() as connection:
        found = set(connection.scalars(text("SELECT recipient_policy FROM event_rule")))
    engine.dispose()
    assert found == set(people.values())


def test_cascades_digests_and_webhooks_go_and_come_back_and_leave_the_rest(environ):
    flask(environ, "db", "upgrade", "0010")
    engine = open_engine(Settings.read(environ), SCHEMA)
    at = "2026-11-29 00:00:00+00:00"
    rule = "INSERT INTO event_rule (id, event_code, recipient_policy, priority, is_active,"
    rule += " cascade_after_s, created_at, updated_at)"
    rule += " VALUES (:id, 'LICENCE_ISSUED', 'ALL', 'NORMAL', true, 60, :at, :at)"
    channel = "INSERT INTO event_rule_channel (rule_id, channel, position) VALUES (:id, :of, :at)"
    id_ = uuid.uuid4().hex
    with engine.begin() as connection:
        connection.execute(text(rule), {"id": id_, "at": at})
        for position, code in enumerate(("SMS", "EMAIL")):
            connection.execute(text(channel), {"id": id_, "of": code, "at": position})
        connection.execute(text("UPDATE event_catalog SET digest_after = 1, digest_window_s = 60"))
    engine.dispose()
    catalogue = codes(environ, "event_catalog")

    flask(environ, "db", "downgrade", "0009")

    gone = {"digest_item", "digest_window", "cascade_step", "webhook"}
    with engine.connect() as connection:
        assert not gone & set(inspect(connection).get_table_names())
        columns = {one["name"] for one in inspect(connection).get_columns("event_rule")}
        assert "cascade_after_s" not in columns
        policies = connection.scalars(text("SELECT recipient_policy FROM event_rule")).all()
        channels = connection.scalars(text("SELECT channel FROM event_rule_channel")).all()
    engine.dispose()
    assert (policies, sorted(channels)) == (["ALL"], ["EMAIL", "SMS"])
    assert codes(environ, "event_catalog") == catalogue

    flask(environ, "db", "upgrade")
    flask(environ, "db", "check")


@pytest.mark.parametrize(
    ("name", "name_after", "revision_after"),
    [("MessageHistory in a digest", STATUSES["DIGESTED"], 2), ("Told with others", None, 1)],
    ids=["as it was seeded", "as somebody named it"],
)
def test_name_of_a_state_is_mended_where_it_still_is_that_of_the_first_data(
    environ, name, name_after, revision_after
):
    flask(environ, "db", "upgrade", "0019")
    engine = open_engine(Settings.read(environ), SCHEMA)
    renamed = text("UPDATE lk_status SET name = :name, revision = 1 WHERE code = 'DIGESTED'")
    with engine.begin() as connection:
        connection.execute(renamed, {"name": name})

    flask(environ, "db", "upgrade")

    found = text("SELECT name, revision FROM lk_status WHERE code = 'DIGESTED'")
    with engine.connect() as connection:
        assert connection.execute(found).one() == (name_after or name, revision_after)
    engine.dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_migration_goes_there_and_back(database: str, tmp_path: Path) -> None:
    with empty_database(database) as given:
        app = create_app(Settings(var_dir=tmp_path, **given))
        with app.app_context():
            engine = container().database.engine
        check_there_and_back(app, engine, SCHEMA)
