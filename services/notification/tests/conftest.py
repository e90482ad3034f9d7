"""The service on a real database, SQLite and PostgreSQL, with tables and a token key."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from common.console.staff import PASS_AUDIENCE, PASS_HEADER
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from notification import create_app
from notification.catalogue import first_data
from notification.config import SCHEMA, Settings
from notification.container import Container
from notification.models import (
    Base,
    ChannelCode,
    InAppMessage,
    OutboxMessage,
    Preference,
    Rule,
    RuleChannel,
    Template,
)
from sqlalchemy import select
from werkzeug.test import TestResponse

POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
KEY = Ed25519PrivateKey.generate()
#: What every form of the console carries in these tests.
CSRF = "the session's token"
ALL_SCOPES = "notification:emit notification:read notification:admin"


class Keys:
    """The one key that the tests sign with."""

    def find(self, kid: str) -> Any:
        return KEY.public_key() if kid == "test" else None


def token(scope: str) -> str:
    """An access token with these scopes."""
    return _signed(sub="tester", scope=scope, aud=AUDIENCE)


def _signed(**claims: Any) -> str:
    whole = {**claims, "iss": ISSUER, "exp": datetime.now(UTC) + timedelta(minutes=30)}
    return jwt.encode(whole, KEY, ALGORITHM, headers={"kid": "test"})


@pytest.fixture(scope="session")
def scratch_postgres() -> Iterator[str]:
    """The URL of a database of this test run's own."""
    name = f"kiungo_test_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL at {POSTGRES['host']}:{POSTGRES['port']}: {exc}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
    url = f"postgresql://{POSTGRES['user']}@{POSTGRES['host']}:{POSTGRES['port']}/{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{SCHEMA}"')
    yield url
    with psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def settings_for(
    database: str, folder: Path, request: pytest.FixtureRequest, **changes: Any
) -> Settings:
    """Settings of a service on `sqlite` or `postgres`, with its files in `folder`."""
    if database == "postgres":
        changes["database_url_override"] = request.getfixturevalue("scratch_postgres")
    changes.setdefault("webhook_secret", "what webhooks' secrets are sealed with")
    return Settings(var_dir=folder, log_level="ERROR", **changes)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """One app per database for the whole run."""
    folder = tmp_path_factory.mktemp(request.param)
    app = create_app(settings_for(request.param, folder, request), keys=Keys())
    engine = app.extensions["notification"].database.engine
    Base.metadata.create_all(engine)
    yield app
    engine.dispose()


@pytest.fixture
def app(shared_app: Flask) -> Flask:
    """The app, with the first data and nothing else."""
    with shared_app.extensions["notification"].database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        first_data.seed(session.connection())
    return shared_app


@pytest.fixture
def container(app: Flask) -> Container:
    """The container of the app's process."""
    found: Container = app.extensions["notification"]
    return found


@dataclass
class Api:
    """The API, asked with one token; paths are below `/api/notification/`."""

    client: FlaskClient
    token: str

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if json is not None:
            options["json"] = json
        path = f"/api/notification/{path}"
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, /, **query: Any) -> TestResponse:
        return self.ask("GET", path, query_string=query)

    def post(self, path: str, json: Any = None) -> TestResponse:
        return self.ask("POST", path, json)

    def patch(self, path: str, json: Any) -> TestResponse:
        return self.ask("PATCH", path, json)


@pytest.fixture
def api_with(app: Flask) -> Callable[[str], Api]:
    """The API, asked with a token of these scopes."""
    return lambda scope: Api(app.test_client(), token(scope))


@pytest.fixture
def api(api_with: Callable[[str], Api]) -> Api:
    """The API, asked by somebody who may do everything."""
    return api_with(ALL_SCOPES)


EVENT = "LICENCE_ISSUED"


@dataclass
class Desk:
    """Writes rules and templates, emits events, reads what came of them."""

    container: Container
    api: Api

    def rule(self, *channels: ChannelCode, **changes: Any) -> uuid.UUID:
        """A rule of the event EVENT: everyone, over these channels."""
        given = {"event_code": EVENT, "priority": "NORMAL", "recipient_policy": "ALL", **changes}
        rule = Rule(**given)
        rule.channels = [RuleChannel(channel=one) for one in channels]
        return self._stored(rule)

    def template(self, channel: ChannelCode, body: str = "Hello", **changes: Any) -> uuid.UUID:
        """A template of the event EVENT, in English."""
        given = {"event_code": EVENT, "language": "en", "version": 1, "subject": "", **changes}
        return self._stored(Template(channel=channel, body=body, **given))

    def prefers(self, user_id: str, actor_type: str = "TEACHER", **wishes: Any) -> None:
        self._stored(Preference(user_id=user_id, actor_type=actor_type, **wishes))

    def in_app(self, user_id: str, actor_type: str = "TEACHER", **changes: Any) -> uuid.UUID:
        """A message in a person's inbox."""
        given = {"body": "Hello", "event_code": EVENT, "outbox_id": uuid.uuid4(), **changes}
        return self._stored(InAppMessage(user_id=user_id, actor_type=actor_type, **given))

    def _stored(self, row: Any) -> uuid.UUID:
        with self.container.database.writing() as session:
            session.add(row)
        stored: uuid.UUID = row.id
        return stored

    def emit(self, *recipients: Any, status: int = 201, **changes: Any) -> dict[str, Any]:
        """Emit EVENT for these recipients, or users; what is answered."""
        body = {
            "event_code": EVENT,
            "context": {},
            "recipients": [self.recipient(one) for one in recipients],
            **changes,
        }
        answer = self.api.post("emit/", body)
        assert answer.status_code == status, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        for one in found.get("skipped", []):
            # The same under the Django mediator's name.
            assert one.pop("recipient_user_id", None) == one.get("user_id")
        return found

    @staticmethod
    def recipient(given: Any) -> Any:
        if isinstance(given, str):
            return {"user_id": given, "actor_type": "TEACHER"}
        return given

    def queued(self) -> list[OutboxMessage]:
        """The outbox, in the order of users and channels."""
        with self.container.database.reading() as session:
            order = (OutboxMessage.recipient_user_id, OutboxMessage.channel)
            return list(session.scalars(select(OutboxMessage).order_by(*order)))


@pytest.fixture
def desk(container: Container, api: Api) -> Desk:
    return Desk(container, api)


@pytest.fixture
def console(app: Flask) -> Callable[[str], FlaskClient]:
    """The console as somebody with this role sees it; paths are whole."""
    return lambda role: browser(app, role)


def browser(app: Flask, role: str) -> FlaskClient:
    """Somebody with this role before the console of `app`."""
    client = app.test_client()
    member = {"sub": str(uuid.uuid4()), "name": "amina", "role": role, "csrf": CSRF}
    header = f"HTTP_{PASS_HEADER.upper().replace('-', '_')}"
    client.environ_base[header] = _signed(**member, aud=PASS_AUDIENCE)
    return client


@pytest.fixture
def csrf() -> dict[str, str]:
    """The field that every form of the console carries."""
    return {"csrf_token": CSRF}
