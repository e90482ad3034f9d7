"""A real openIMIS with the module, on PostgreSQL, and a real Kiungo that it forwards to.

openIMIS stands in an environment of its own, which `make openimis` installs; without it these tests
are skipped, and say so.
"""

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, request
from policy_notify.app import create_app
from policy_notify.config import Settings
from policy_notify.intake.reading import reading_of
from policy_notify.models import Base, NotificationType, RunLease, SyncState
from policy_notify.openimis.connection import open_source
from policy_notify.openimis.sync import Sync
from sqlalchemy import insert
from werkzeug.serving import BaseWSGIServer, make_server

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = Path(os.environ.get("OPENIMIS_PYTHON") or ROOT / "var" / "openimis" / "bin" / "python")
POSTGRES = "postgresql://postgres@127.0.0.1:5432"
KEY = Ed25519PrivateKey.generate()
CLIENT = ("openimis", "the secret of a client in tests")
#: Made and migrated while other processes wait for the machine.
PATIENT = pytest.mark.timeout(900)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An openIMIS takes a while to begin."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(PATIENT)


class Keys:
    """The one key that tokens are signed with here."""

    def find(self, kid: str) -> Any:
        return KEY.public_key() if kid == "test" else None


def _token() -> str:
    claims = {
        "sub": CLIENT[0],
        "scope": "policy:read policy:write policy:report",
        "aud": AUDIENCE,
        "iss": ISSUER,
        "exp": datetime.now(UTC) + timedelta(minutes=30),
    }
    return jwt.encode(claims, KEY, ALGORITHM, headers={"kid": "test"})


@dataclass
class Kiungo:
    """Policy notification behind a port, which also gives out tokens; `fails` breaks answers."""

    app: Flask
    server: BaseWSGIServer
    asked: list[str] = field(default_factory=list)
    #: Answer 503 before, or lose the answer after the records were stored.
    fails: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def container(self) -> Any:
        return self.app.extensions["policy-notify"]

    def records(self, kind: str) -> list[dict[str, Any]]:
        client = self.app.test_client()
        page = client.get(
            f"/api/policy-notification/{kind}/", headers={"Authorization": f"Bearer {_token()}"}
        )
        assert page.status_code == 200, page.get_json()
        listed: list[dict[str, Any]] = page.get_json()["data"]
        return listed


@pytest.fixture(scope="session")
def kiungo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiungo]:
    """A Kiungo of this run's own."""
    folder = tmp_path_factory.mktemp("kiungo")
    enabled = frozenset(NotificationType)
    settings = Settings(var_dir=folder, log_level="ERROR", eligible_types=enabled)
    app = create_app(settings, keys=Keys())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    found = Kiungo(app, server)

    @app.post("/oauth/token")
    def token() -> Any:
        given = request.authorization
        if given is None or (given.username, given.password) != CLIENT:
            return {"error": "invalid_client"}, 401
        return {"access_token": _token(), "token_type": "Bearer"}

    @app.before_request
    def fail_before() -> Any:
        if request.method == "PUT":
            found.asked.append(request.path.split("/")[-2])
            if found.fails == "before":
                return {"title": "away"}, 503
        return None

    @app.after_request
    def fail_after(answer: Any) -> Any:
        if request.method == "PUT" and found.fails == "after":
            answer.status_code = 502
        return answer

    database = found.container.database
    Base.metadata.create_all(database.engine)
    with database.writing() as session:
        for lease, row in ((RunLease, 1), (RunLease, 2), (SyncState, 1)):
            session.execute(insert(lease).values(id=row))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
    database.engine.dispose()


@dataclass
class Openimis:
    """An openIMIS: does what it is asked for; see `assembly/agent.py`."""

    process: "subprocess.Popen[str]"
    url: str
    ids: dict[str, Any] = field(default_factory=dict)

    def ask(self, do: str, *given: Any, **by: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "with": given, "by": by}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "openIMIS has ended"
        answer = json.loads(line)
        assert "failed" not in answer, answer["failed"]
        return answer["said"]

    def close(self) -> None:
        """Nothing more is asked."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def mutate(self, name: str, given: str) -> None:
        """A mutation of openIMIS's GraphQL that succeeds."""
        answer = self.ask("graphql", f"mutation {{ {name}(input: {{{given}}}) {{ internalId }} }}")
        assert "errors" not in answer, answer
        assert self.ask("statuses")[0][0] == 2, self.ask("statuses")[0]


def environment(modules: str, database: str, **more: str) -> dict[str, str]:
    """Of a process of openIMIS's own environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "OPENIMIS_MODULES": modules, "OPENIMIS_DATABASE": database, **more}


def with_module(database: str, kiungo: Kiungo) -> dict[str, str]:
    """The same, with our module as it stands here, in the place of openIMIS's own."""
    return environment(
        "kiungo,policy_notification",
        database,
        PYTHONPATH=str(HERE.parent),
        KIUNGO_URL=kiungo.url,
        KIUNGO_CLIENT_ID=CLIENT[0],
        KIUNGO_CLIENT_SECRET=CLIENT[1],
    )


def make_tables(whole: dict[str, str]) -> None:
    """openIMIS's tables, and those of the modules that were added."""
    migrate = [str(PYTHON), "manage.py", "migrate", "--run-syncdb", "--verbosity=0"]
    done = subprocess.run(
        migrate, cwd=HERE / "assembly", env=whole, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def start(whole: dict[str, str], log: Path) -> "subprocess.Popen[str]":
    """The agent, with openIMIS's tables made."""
    make_tables(whole)
    with log.open("w") as stderr:
        return subprocess.Popen(
            [str(PYTHON), "agent.py"],
            cwd=HERE / "assembly",
            env=whole,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


@pytest.fixture(scope="session")
def openimis_database() -> Iterator[str]:
    """The database of the openIMIS with our module."""
    with scratch_database() as name:
        yield name


@contextmanager
def scratch_database() -> Iterator[str]:
    """The name of an empty database; skipped without PostgreSQL or openIMIS."""
    if not PYTHON.is_file():
        pytest.skip(f"openIMIS is not installed at {PYTHON}: `make openimis` does that")
    name = f"openimis_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL: {exc}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield name
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def openimis(
    openimis_database: str, kiungo: Kiungo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Openimis]:
    """openIMIS with the module, a scheme in it, and Kiungo's address."""
    log = tmp_path_factory.mktemp("openimis") / "stderr"
    process = start(with_module(openimis_database, kiungo), log)
    found = Openimis(process, f"{POSTGRES}/{openimis_database}")
    found.ids = found.ask("found")
    yield found
    with process:
        found.close()


@pytest.fixture
def notifying(tmp_path: Path) -> Iterator[Openimis]:
    """openIMIS with its own module `policy_notification`, and a scheme in it.

    That module asks the database for a language while it is loaded: it comes after the tables.
    """
    with scratch_database() as name:
        log = tmp_path / "openimis"
        bare = Openimis(start(environment("", name), log), f"{POSTGRES}/{name}")
        with bare.process:
            ids = bare.ask("found")
            bare.close()
        process = start(environment("policy_notification", name), log)
        with process:
            found = Openimis(process, f"{POSTGRES}/{name}", ids)
            yield found
            found.close()


@dataclass
class Both:
    """openIMIS and Kiungo, and whether they know the same."""

    openimis: Openimis
    kiungo: Kiungo

    def forward(self, *options: str) -> str:
        """What a pass of the forwarder says."""
        return str(self.openimis.ask("command", "forward_kiungo", "--once", *options))

    def forwarder(self) -> "subprocess.Popen[bytes]":
        """A forwarder that goes on, as a process of its own."""
        return subprocess.Popen(
            [str(PYTHON), "manage.py", "forward_kiungo"],
            cwd=HERE / "assembly",
            env=with_module(self.openimis.url.rpartition("/")[2], self.kiungo),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def differences(self) -> dict[str, tuple[int, int, int | None]]:
        """What Kiungo's own comparison finds: kinds with changes, rejections, missing records."""
        container = self.kiungo.container
        source = open_source(self.openimis.url)
        reader = Sync(source, container.database, reading_of(container.settings), is_dry=True)
        counted = reader.run()
        assert counted is not None
        found = {one.kind: (one.changed, one.rejected.total(), one.missing) for one in counted}
        return {kind: one for kind, one in found.items() if one not in ((0, 0, 0), (0, 0, None))}


@pytest.fixture
def both(openimis: Openimis, kiungo: Kiungo) -> Iterator[Both]:
    """Both systems; what a test breaks is whole again after it."""
    yield Both(openimis, kiungo)
    kiungo.fails = None
