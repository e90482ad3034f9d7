"""The service on a real database, SQLite and PostgreSQL, with tables and a token key."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from common.console.staff import PASS_AUDIENCE, PASS_HEADER
from common.sealing import create_key
from common.searchable_sealing import create_search_key
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from notification.app import create_app
from notification.campaigns.running import run_due
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
from scratch_database import empty_tables, scratch_database
from sqlalchemy import select
from werkzeug.test import TestResponse

KEY = Ed25519PrivateKey.generate()
#: What every form of the console carries in these tests.
CSRF = "the session's token"
ALL_SCOPES = "notification:emit notification:read notification:admin"


class Keys:
    """The one key that the tests sign with."""

    def find(self, kid: str) -> Any:
        return KEY.public_key() if kid == "test" else None


def token(scope: str, client: str = "tester") -> str:
    """A client's access token with these scopes."""
    return _signed(sub=client, scope=scope, aud=AUDIENCE)


def _signed(**claims: Any) -> str:
    whole = {**claims, "iss": ISSUER, "exp": datetime.now(UTC) + timedelta(minutes=30)}
    return jwt.encode(whole, KEY, ALGORITHM, headers={"kid": "test"})


@pytest.fixture(scope="session")
def scratch_postgres() -> Iterator[str]:
    """The URL of a database of this test run's own."""
    with scratch_database(SCHEMA) as url:
        yield url


def settings_for(
    database: str, folder: Path, request: pytest.FixtureRequest, **changes: Any
) -> Settings:
    """Settings of a service on `sqlite` or `postgres`, with its files in `folder`."""
    if database == "postgres":
        changes["database_url_override"] = request.getfixturevalue("scratch_postgres")
    changes.setdefault("webhook_secret", "what webhooks' secrets are sealed with")
    settings = Settings(var_dir=folder, log_level="ERROR", **changes)
    if not settings.seal_keys_folder.exists():
        create_key(settings.seal_keys_folder)
        create_search_key(settings.seal_keys_folder)
    return settings


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_app(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kept: dict[Any, Any],
) -> Iterator[Flask]:
    """One app per database for the whole run."""
    key = (SCHEMA, request.param)
    if key not in kept:
        folder = tmp_path_factory.mktemp(request.param)
        app = kept[key] = create_app(settings_for(request.param, folder, request), keys=Keys())
        Base.metadata.create_all(app.extensions["notification"].database.engine)
    yield kept[key]
    kept[key].extensions["notification"].database.engine.dispose()


@pytest.fixture
def app(shared_app: Flask) -> Flask:
    """The app, with the first data and nothing else."""
    with shared_app.extensions["notification"].database.writing() as session:
        empty_tables(session.connection(), Base.metadata)
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


@pytest.fixture
def api_as(app: Flask) -> Callable[[str], Api]:
    """The API, asked by this client, which may do everything."""
    return lambda client: Api(app.test_client(), token(ALL_SCOPES, client))


EVENT = "LICENCE_ISSUED"


@dataclass
class Client:
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

    def prefers(self, user_id: str, actor_type: str = "TEACHER", **preferences: Any) -> None:
        self._stored(Preference(user_id=user_id, actor_type=actor_type, **preferences))

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
            found = session.scalars(select(OutboxMessage)).all()
            return sorted(found, key=lambda one: (one.recipient_user_id, one.channel))


@pytest.fixture
def client(container: Container, api: Api) -> Client:
    return Client(container, api)


@pytest.fixture
def console(app: Flask) -> Callable[[str], FlaskClient]:
    """The console as somebody with this role sees it; paths are whole."""
    return lambda role: browser(app, role)


@pytest.fixture
def browser_of(app: Flask) -> Callable[[str, str], FlaskClient]:
    """The console as somebody of this name with this role sees it."""
    return lambda name, role: browser(app, role, name)


def browser(app: Flask, role: str, name: str = "amina") -> FlaskClient:
    """Somebody with this role before the console of `app`."""
    client = app.test_client()
    member = {"sub": str(uuid.uuid4()), "name": name, "role": role, "csrf": CSRF}
    header = f"HTTP_{PASS_HEADER.upper().replace('-', '_')}"
    client.environ_base[header] = _signed(**member, aud=PASS_AUDIENCE)
    return client


@pytest.fixture
def csrf() -> dict[str, str]:
    """The field that every form of the console carries."""
    return {"csrf_token": CSRF}


@dataclass
class Campaigns:
    """Campaigns as clients of the API have them: `writer` writes, `second` approves."""

    container: Container
    writer: Any
    second: Any
    catalogue: Client

    def queued(self) -> list[OutboxMessage]:
        return self.catalogue.queued()

    def draft(self, *people: Any, **changes: Any) -> str:
        """A draft with these people; its id."""
        given = {
            "name": "Renewals",
            "event_code": "LICENCE_ISSUED",
            "channel": "SMS",
            "rate": 60_000,
            **changes,
        }
        made = self.writer.post("campaigns/", given)
        assert made.status_code == 201, made.get_json()
        campaign: str = made.get_json()["id"]
        if people:
            self.add(campaign, *people)
        return campaign

    def add(self, campaign: str, *people: Any) -> dict[str, Any]:
        answer = self.writer.post(f"campaigns/{campaign}/recipients/", {"recipients": [*people]})
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        return found

    def upload(self, campaign: str, body: bytes, status: int = 200) -> dict[str, Any]:
        answer = self.writer.ask(
            "POST", f"campaigns/{campaign}/list/", data=body, content_type="text/csv"
        )
        assert answer.status_code == status, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        return found

    def try_out(self, campaign: str) -> dict[str, Any]:
        answer = self.writer.post(f"campaigns/{campaign}/dry-run/")
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()["dry_run"]
        return found

    def approve(self, campaign: str, by: Any = None) -> Any:
        wanted = {"fingerprint": self.try_out(campaign)["fingerprint"]}
        return (by or self.second).post(f"campaigns/{campaign}/approve/", wanted)

    def running(self, *people: Any, **changes: Any) -> str:
        """A campaign that runs."""
        campaign = self.draft(*people, **changes)
        answer = self.approve(campaign)
        assert answer.status_code == 200, answer.get_json()
        return campaign

    def act(self, campaign: str, act: str) -> Any:
        return self.second.post(f"campaigns/{campaign}/{act}/")

    def read(self, campaign: str) -> dict[str, Any]:
        found: dict[str, Any] = self.writer.get(f"campaigns/{campaign}/").get_json()
        return found

    def people(self, campaign: str, **query: Any) -> dict[str, tuple[str, str | None]]:
        """Of everybody the status and the reason."""
        found = self.writer.get(f"campaigns/{campaign}/recipients/", **query).get_json()["data"]
        return {one["user_id"]: (one["status"], one["reason"]) for one in found}

    def work(self) -> int:
        """What a worker does once."""
        return run_due(self.container.database, self.container.settings)


@pytest.fixture
def campaigns(container: Container, api_as: Callable[[str], Any]) -> Campaigns:
    writer, second = api_as("writer"), api_as("second")
    return Campaigns(container, writer, second, Client(container, writer))


@pytest.fixture
def words(campaigns: Campaigns) -> None:
    """An SMS in English and Swahili."""
    campaigns.catalogue.template(ChannelCode.SMS, "Renew your licence")
    campaigns.catalogue.template(ChannelCode.SMS, "Huisha leseni", language="sw")
