"""Migrations: two started at once both end well, and the tables are what the models say."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import proxy
import psycopg
import pytest
from common.db.database import UtcDateTime
from proxy.app import create_app
from proxy.config import SCHEMA, Settings
from proxy.container import container
from service_migrations import check_there_and_back, empty_database
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    MetaData,
    String,
    Table,
    Uuid,
    create_engine,
    insert,
    select,
    text,
)

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


def flask(environ: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "flask", "--app", "proxy", *arguments]
    return subprocess.Popen(command, env=environ, cwd=environ["VAR_DIR"])


def test_two_upgrades_at_once_both_end_well_and_the_check_is_clean(environ):
    upgrades = [flask(environ, "db", "upgrade") for _ in range(2)]
    assert [one.wait(60) for one in upgrades] == [0, 0]
    assert flask(environ, "db", "check").wait(60) == 0


@pytest.mark.parametrize("environ", ["sqlite"], indirect=True)
def test_database_that_is_newer_than_the_code_is_refused_in_one_sentence(environ):
    environ = {**environ, "PYTHONWARNINGS": "ignore"}
    assert flask(environ, "db", "upgrade").wait(60) == 0
    newer = (
        "from proxy.app import create_app\n"
        "from sqlalchemy import text\n"
        "engine = create_app().extensions['migrate'].db.engine\n"
        "with engine.begin() as connection:\n"
        "    connection.execute(text(\"UPDATE alembic_version SET version_num = '9999'\"))\n"
    )
    subprocess.run([sys.executable, "-c", newer], env=environ, check=True, timeout=60)
    for command in ("upgrade", "plan"):
        refused = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "proxy", "db", command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode == 1
        assert refused.stderr.startswith("Error: the tables of proxy are at revision 9999")
        assert f"its newest is {newest_revision()}" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def newest_revision() -> str:
    folder = Path(proxy.__file__).parent / "migrations" / "versions"
    return max(one.name for one in folder.glob("[0-9]*.py"))[:4]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_plan_says_what_an_upgrade_would_do_and_does_nothing(database, tmp_path):
    with empty_database(database) as given:
        app = create_app(Settings(var_dir=tmp_path, **given))
        with app.app_context():
            engine = container().database.engine
        run = app.test_cli_runner().invoke
        assert run(args=["db", "plan"]).output.startswith("proxy: a new database, to ")
        assert run(args=["db", "upgrade", "0010"]).exit_code == 0
        with engine.begin() as connection:
            connection.execute(insert(STAFF), [a_member(number) for number in range(300)])
        if database == "postgres":
            with engine.connect() as connection:
                connection.execute(text("ANALYZE"))
                connection.commit()
        planned = run(args=["db", "plan"])
        assert planned.exit_code == 0
        lines = planned.output.splitlines()
        assert f" revisions from 0010 to {newest_revision()}, " in lines[0]
        assert any("0016" in line and "staff_users about 300 rows" in line for line in lines)
        assert run(args=["db", "plan"]).output == planned.output
        upgraded = run(args=["db", "upgrade"])
        assert planned.output in upgraded.output  # before the first revision is made
        assert run(args=["db", "plan"]).output.startswith("proxy: nothing to do, at ")
        engine.dispose()


STAFF = Table(
    "staff_users",
    MetaData(),
    Column("id", Uuid),
    *(Column(name, String) for name in ("username", "email", "password_hash", "role")),
    Column("is_active", Boolean),
    *(Column(name, UtcDateTime) for name in ("created_at", "updated_at")),
)


def a_member(number: int) -> dict[str, Any]:
    now, name = datetime.now(UTC), f"member-{number}"
    texts = {"username": name, "email": f"{name}@example.org", "password_hash": "", "role": "x"}
    return {"id": uuid.uuid4(), **texts, "is_active": True, "created_at": now, "updated_at": now}


#: Rows as an earlier `seed-demo` stored them, although the API refuses them.
BAD_CHANNELS = {
    "plain": ("/ok", '["GET"]', "http", True),
    "lower": ("integrations/x", '["get", "Post"]', "http", True),
    "text": ("/text", '"get, post"', "http", True),
    "null": ("/null", "null", "https", True),
    "reserved": ("/admin/x", "[]", "http", True),
    "twin": ("ok", "[]", "http", True),
}


def test_rows_that_no_api_would_store_are_mended(environ: dict[str, str]) -> None:
    assert flask(environ, "db", "upgrade", "0007").wait(60) == 0
    engine = engine_of(environ)
    now, mediator = datetime.now(UTC), uuid.uuid4()
    stamps = {"created_at": now, "updated_at": now}
    with engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        named = {table.name: table for table in tables.sorted_tables}
        connection.execute(
            insert(named["mediators"]).values(
                id=as_stored(engine, mediator), name="m", urn="urn:m", version="1.0",
                endpoint_url="http://127.0.0.1:9", is_online=True, config={}, **stamps,
            )
        )  # fmt: skip
        connection.execute(
            insert(named["clients"]).values(
                id=as_stored(engine, uuid.uuid4()), name="c", client_id="c", is_active=True,
                allowed_ips="127.0.0.1", roles=[], scopes=[], **stamps,
            )
        )  # fmt: skip
        for name, (pattern, methods, kind, is_active) in BAD_CHANNELS.items():
            connection.execute(
                insert(named["channels"]).values(
                    id=as_stored(engine, uuid.uuid4()), name=name, path_pattern=pattern,
                    methods=json.loads(methods), channel_type=kind, is_active=is_active,
                    mediator_id=as_stored(engine, mediator), description="", allow=[],
                    requires_request_body=False, request_content_type="", request_body_example="",
                    priority=1, store_request_body=True, store_response_body=True,
                    keep_whole_bodies=False, **stamps,
                )
            )  # fmt: skip
    assert flask(environ, "db", "upgrade").wait(60) == 0
    with engine.begin() as connection:
        channels = named["channels"].c
        rows = connection.execute(
            select(channels.name, channels.path_pattern, channels.methods, channels.channel_type,
                   channels.is_active).order_by(channels.name)
        ).all()  # fmt: skip
        assert [tuple(row) for row in rows] == [
            ("lower", "/integrations/x", ["GET", "POST"], "http", True),
            ("null", "/null", [], "http", True),
            ("plain", "/ok", ["GET"], "http", True),
            ("reserved", "/admin/x", [], "http", False),
            ("text", "/text", ["GET", "POST"], "http", True),
            ("twin", "ok", [], "http", True),
        ]
        assert connection.scalar(select(named["mediators"].c.version)) == "1.0.0"
        assert connection.scalar(select(named["clients"].c.allowed_ips)) == ["127.0.0.1"]
        assert connection.scalar(select(named["routing_version"].c.version)) > 0
    engine.dispose()


def engine_of(environ: dict[str, str]) -> Engine:
    """The database that these processes use."""
    if "DATABASE_URL" not in environ:
        return create_engine(f"sqlite:///{environ['VAR_DIR']}/proxy.sqlite3")
    url = environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    return create_engine(url, connect_args={"options": "-c search_path=proxy"})


def as_stored(engine: Engine, id_: uuid.UUID) -> Any:
    """SQLite keeps an id as its 32 digits."""
    return id_.hex if engine.dialect.name == "sqlite" else id_


BEFORE = """
import sqlalchemy as sa, uuid
from datetime import UTC, datetime
from common.db.database import open_engine
from common.settings import process_environment
from proxy.config import SCHEMA, Settings
engine = open_engine(Settings.read(process_environment()), SCHEMA)
known = sa.MetaData()
names = ["clients", "esb_registrations", "mediators", "channels"]
known.reflect(engine, only=names)
always = {"id": uuid.uuid4().hex, "created_at": datetime.now(UTC), "updated_at": datetime.now(UTC)}
rows = {
    "clients": {"name": "C", "client_id": "c", "allowed_ips": [], "roles": [], "scopes": [],
                "is_active": True},
    "esb_registrations": {"organization": "N", "organization_key": "n", "api_code": "A",
                          "push_code": "", "is_active": True},
    "mediators": {"name": "M", "urn": "u", "version": "1.0.0", "endpoint_url": "http://x",
                  "is_online": True, "config": {}},
    "channels": {"name": "A", "path_pattern": "/a", "methods": [], "channel_type": "http",
                 "priority": 1, "is_active": True, "allow": [], "mediator_id": always["id"],
                 "description": "", "request_content_type": "", "request_body_example": "",
                 "requires_request_body": False, "store_request_body": True,
                 "store_response_body": True, "keep_whole_bodies": False},
}
with engine.begin() as connection:
    for name, row in rows.items():
        connection.execute(known.tables[name].insert().values(**always, **row))
"""
AFTER = """
from common.db.database import Database, open_engine
from common.settings import process_environment
from proxy.config import SCHEMA, Settings
from proxy.models import Channel, Client, ExternalSystemRegistration, Mediator
from sqlalchemy import select
with Database(open_engine(Settings.read(process_environment()), SCHEMA)).reading() as session:
    client = session.scalars(select(Client)).one()
    assert (client.certificates, client.max_rate, client.max_concurrent) == ([], None, None)
    assert session.scalars(select(ExternalSystemRegistration)).one().allow is None
    assert session.scalars(select(Mediator)).one().circuit_open_until is None
    channel = session.scalars(select(Channel)).one()
    assert (channel.retry_period_s, channel.retry_max_attempts) == (None, 5)
"""


def python(environ: dict[str, str], script: str) -> None:
    command = [sys.executable, "-c", script]
    subprocess.run(command, env=environ, cwd=environ["VAR_DIR"], check=True, timeout=60)


def test_what_is_there_stays_as_open_as_it_was(environ):
    assert flask(environ, "db", "upgrade", "0007").wait(60) == 0
    python(environ, BEFORE)
    assert flask(environ, "db", "upgrade").wait(60) == 0
    python(environ, AFTER)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_migration_goes_there_and_back(database: str, tmp_path: Path) -> None:
    with empty_database(database) as given:
        app = create_app(Settings(var_dir=tmp_path, **given))
        with app.app_context():
            engine = container().database.engine
        check_there_and_back(app, engine, SCHEMA)


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from common.db.database import open_engine
from common.db.rows.postgres import PostgresRows
from common.db.rows.statements import Change, Insert
from common.ids import new_id
from common.settings import process_environment
from proxy.config import SCHEMA, Settings
from proxy.models import StoredRequest, Transaction
calls, requests = Transaction.__table__, StoredRequest.__table__
async def main():
    rows = PostgresRows(open_engine(Settings.read(process_environment()), SCHEMA))
    written = 0
    while not sys.stdin.closed:
        call = new_id()
        begun = {
            "correlation_id": call, "client_name": "c", "client_address": "",
            "status": "processing", "request_method": "GET", "request_url": "/",
            "request_headers": {}, "request_body": "", "request_body_whole": True,
            "started_at": datetime.now(UTC),
        }
        kept = {"correlation_id": call, "raw_path": "/", "sealed": b"", "body": b"b"}
        await rows.write([(Insert(calls), [begun]), (Insert(requests), [kept])])
        ended = {"key_correlation_id": call, "status": "successful"}
        await rows.write([(Change(calls, ("status",)), [ended])])
        written += 1
        print(written, flush=True)
asyncio.run(main())
"""


def test_calls_go_on_while_the_record_becomes_monthly_and_all_are_there_after(tmp_path):
    with empty_database("postgres") as changes:
        url = changes["database_url_override"]
        base = {**os.environ, "VAR_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
        environ = {**base, "DATABASE_URL": url}
        assert flask(environ, "db", "upgrade", "0022").wait(60) == 0
        command = [sys.executable, "-c", WRITER]
        with subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for revision, act in (("0027", "upgrade"), ("0022", "downgrade"), ("0027", "upgrade")):
                writer.stdout.readline()  # it writes
                assert flask(environ, "db", act, revision).wait(60) == 0
                assert writer.poll() is None
            writer.terminate()
            written = int(writer.stdout.read().split()[-1])
        with psycopg.connect(url, options="-c search_path=proxy") as connection:
            count = "SELECT count(*) FROM transactions JOIN stored_requests USING (correlation_id)"
            assert connection.execute(count).fetchone()[0] >= written
            bounds = "SELECT count(*) FROM transactions_first WHERE status = 'successful'"
            assert connection.execute(bounds).fetchone()[0] >= written
            astray = "SELECT count(*) FROM ONLY transactions_default"
            assert connection.execute(astray).fetchone()[0] == 0
