"""A role per schema: each service runs with its own, and reads no other's tables."""

import importlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from common.audit.chain import Actor, Draft
from common.audit.log import audit_log, note
from flask_migrate import downgrade, upgrade

ROOT = Path(__file__).parent.parent.parent
HOST, PORT = "127.0.0.1", 5432
SERVICES = ("proxy", "esb_relay", "notification", "policy_notify")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A database with roles of its own; they begin with its name."""
    name = f"kiungo_roles_{uuid.uuid4().hex[:10]}"
    try:
        server = psycopg.connect(
            host=HOST, port=PORT, user="postgres", dbname="postgres", autocommit=True
        )
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL at {HOST}:{PORT}: {exc}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        make_roles(name)
        yield name
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        for service in SERVICES:
            server.execute(f'DROP ROLE "{name}_{service}"')


def make_roles(name: str) -> None:
    """Run the script as an administrator does."""
    passwords = {f"{one.upper()}_POSTGRES_PASSWORD": f"it's {one}" for one in SERVICES}
    environ = {"PGHOST": HOST, "PGPORT": str(PORT), "POSTGRES_USER": "postgres"}
    whole = {**os.environ, **environ, **passwords, "POSTGRES_DB": name, "ROLE_PREFIX": f"{name}_"}
    # As PostgreSQL's image does: a file that is not executable would be part of its own script.
    subprocess.run(
        [ROOT / "deploy" / "postgres" / "roles.sh"],
        env=whole,
        check=True,
        timeout=60,
        capture_output=True,
    )


def app_of(service: str, database: str, folder: Path) -> Any:
    url = f"postgresql://{database}_{service}@{HOST}:{PORT}/{database}"
    settings = importlib.import_module(f"{service}.config").Settings(
        var_dir=folder, log_level="ERROR", database_url_override=url
    )
    return importlib.import_module(f"{service}.app").create_app(settings)


@pytest.mark.parametrize("service", SERVICES)
def test_service_runs_with_its_role_and_reads_its_own_schema_alone(
    service: str, database: str, tmp_path: Path
) -> None:
    app = app_of(service, database, tmp_path)
    with app.app_context():
        upgrade()
        with audit_log().database.writing() as session:
            note(session, Draft(act="x", object_kind="x", actor=Actor("command", "test")))
    assert app.test_client().get("/readyz").get_json()["ok"] is True

    with psycopg.connect(
        host=HOST, port=PORT, user=f"{database}_{service}", dbname=database, autocommit=True
    ) as own:
        assert own.execute(f"SELECT count(*) FROM {service}.audit_events").fetchone() == (1,)
        for other in SERVICES:
            if other != service:
                for asked in (
                    f"SELECT * FROM {other}.audit_events",
                    f"CREATE TABLE {other}.mine (id int)",
                    f"DROP SCHEMA {other} CASCADE",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        own.execute(asked)
        for asked in (
            "CREATE TABLE public.mine (id int)",
            "CREATE SCHEMA mine",
            "SELECT * FROM pg_authid",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own.execute(asked)


def test_script_takes_over_what_a_shared_user_made(database: str, tmp_path: Path) -> None:
    with psycopg.connect(
        host=HOST, port=PORT, user="postgres", dbname=database, autocommit=True
    ) as server:
        server.execute("CREATE SCHEMA IF NOT EXISTS notification")
        server.execute("CREATE TABLE notification.made_before (id int)")
        make_roles(database)
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'made_before'"
        assert server.execute(owner).fetchone() == (f"{database}_notification",)
        server.execute("DROP TABLE notification.made_before")
    app = app_of("notification", database, tmp_path)
    with app.app_context():
        upgrade()
        downgrade(revision="base")
