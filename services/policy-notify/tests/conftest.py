"""The service on a real database, SQLite and PostgreSQL, with tables, a token key and a scheme."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
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
from policy_notify.app import create_app
from policy_notify.config import SCHEMA, Settings
from policy_notify.container import Container
from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.intake.kinds import KINDS
from policy_notify.intake.upsert import store
from policy_notify.models import (
    Base,
    FamilyConsent,
    IndicationDetails,
    NotificationType,
    RunLease,
    SyncState,
)
from policy_notify.providers import Message
from policy_notify.runs.lease import Lease
from policy_notify.runs.lifecycle import begin_by_hand
from policy_notify.runs.running import carry_out
from scratch_database import empty_tables, scratch_database
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

TODAY = date(2026, 5, 10)
KEY = Ed25519PrivateKey.generate()
#: What every form of the console carries in these tests.
CSRF = "the session's token"


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


@pytest.fixture
def signed_token() -> Callable[..., str]:
    """Makes access tokens with other claims than a scope."""
    return lambda **claims: _signed(**{"sub": "tester", "aud": AUDIENCE, **claims})


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
    enabled = {"eligible_types": frozenset(NotificationType), **changes}
    settings = Settings(var_dir=folder, log_level="ERROR", **enabled)
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
        Base.metadata.create_all(app.extensions["policy-notify"].database.engine)
    yield kept[key]
    kept[key].extensions["policy-notify"].database.engine.dispose()


@pytest.fixture
def app(shared_app: Flask) -> Flask:
    """The app, with empty tables and the lease free."""
    with shared_app.extensions["policy-notify"].database.writing() as session:
        empty_tables(session.connection(), Base.metadata)
        for lease, row in ((RunLease, 1), (RunLease, 2), (SyncState, 1)):
            session.execute(insert(lease).values(id=row))
    return shared_app


@pytest.fixture
def container(app: Flask) -> Container:
    """The container of the app's process."""
    found: Container = app.extensions["policy-notify"]
    return found


@dataclass
class Api:
    """The API, asked with one token; paths are below `/api/policy-notification/`."""

    client: FlaskClient
    token: str

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if json is not None:
            options["json"] = json
        path = f"/api/policy-notification/{path}"
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, /, **query: Any) -> TestResponse:
        return self.ask("GET", path, query_string=query)

    def put(self, path: str, json: Any) -> TestResponse:
        return self.ask("PUT", path, json)

    def post(self, path: str, json: Any = None) -> TestResponse:
        return self.ask("POST", path, json)

    def patch(self, path: str, json: Any) -> TestResponse:
        return self.ask("PATCH", path, json)

    def delete(self, path: str) -> TestResponse:
        return self.ask("DELETE", path)

    def mutate(self, mutation_class: str, data: Any) -> TestResponse:
        return self.post("mutations/", {"mutation_class": mutation_class, "data": data})


@pytest.fixture
def api_with(app: Flask) -> Callable[[str], Api]:
    """The API, asked with a token of these scopes."""
    return lambda scope: Api(app.test_client(), token(scope))


@pytest.fixture
def api(api_with: Callable[[str], Api]) -> Api:
    """The API, asked by somebody who may do everything."""
    return api_with("policy:read policy:write policy:report")


@dataclass
class Scheme:
    """Writes a scheme's records: short ways to a family with a policy about which to tell."""

    container: Container
    region: uuid.UUID = field(default_factory=uuid.uuid4)
    district: uuid.UUID = field(default_factory=uuid.uuid4)
    municipality: uuid.UUID = field(default_factory=uuid.uuid4)
    village: uuid.UUID = field(default_factory=uuid.uuid4)
    officer: uuid.UUID = field(default_factory=uuid.uuid4)
    product: uuid.UUID = field(default_factory=uuid.uuid4)
    people: int = 0

    def put(self, kind: str, **record: Any) -> None:
        record = {name: _plain(value) for name, value in record.items()}
        with self.container.database.writing() as session:
            outcome = store(session, KINDS[kind], [record])
        assert not outcome.rejected, outcome.rejected

    def found(self) -> "Scheme":
        up = None
        for level, uuid_, code in (
            ("R", self.region, "R1"),
            ("D", self.district, "D1"),
            ("W", self.municipality, "W1"),
            ("V", self.village, "V1"),
        ):
            self.put(
                "locations", uuid=uuid_, code=code, name=f"Name {code}", level=level, parent=up
            )
            up = uuid_
        self.put("officers", uuid=self.officer, code="O1", last_name="Omari", other_names="Neema")
        self.put("products", uuid=self.product, code="CHF01", name="CHF")
        return self

    def person(self, family: uuid.UUID | None, phone: str | None, **changes: Any) -> uuid.UUID:
        self.people += 1
        made = uuid.uuid4()
        record = {
            "uuid": made,
            "chf_id": f"{70000 + self.people}",
            "last_name": "Mushi",
            "other_names": f"Asha{self.people}",
            "phone": phone,
            "family": family,
        }
        self.put("insurees", **{**record, **changes})
        return made

    def family(
        self,
        phone: str | None = "+255700000001",
        *,
        approval: bool | None = True,
        language: str = "en",
        **changes: Any,
    ) -> uuid.UUID:
        made = uuid.uuid4()
        head = self.person(made, phone)
        self.put("families", **{"uuid": made, "location": self.village, "head": head, **changes})
        if approval is not None:
            with self.container.database.writing() as session:
                session.add(FamilyConsent(family=made, approval=approval, language=language))
        return made

    def policy(self, family: uuid.UUID, **changes: Any) -> uuid.UUID:
        """An active policy in the middle of its life, about which nothing is to be told."""
        made = uuid.uuid4()
        record = {
            "uuid": made,
            "family": family,
            "product": self.product,
            "officer": self.officer,
            "status": "active",
            "stage": "new",
            "start_date": TODAY - timedelta(days=100),
            "effective_date": TODAY - timedelta(days=100),
            "expiry_date": TODAY + timedelta(days=265),
            "amount_to_be_paid": "30000.00",
            "validity_from": f"{TODAY - timedelta(days=100)}T09:00:00Z",
        }
        self.put("policies", **{**record, **changes})
        return made

    def due(self, family: uuid.UUID, type_: NotificationType, **changes: Any) -> uuid.UUID:
        """A policy about which exactly `type_` is to be told on TODAY, of dated or fresh ones."""
        return self.policy(family, **{**_DUE[type_], **changes})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (uuid.UUID, date)) else value


_FRESH = f"{TODAY}T06:00:00Z"
_DUE: dict[NotificationType, dict[str, Any]] = {
    NotificationType.ACTIVATION: {
        "validity_from": _FRESH,
        "start_date": TODAY + timedelta(days=20),
        "effective_date": TODAY + timedelta(days=20),
    },
    NotificationType.STARTING: {"start_date": TODAY, "effective_date": TODAY},
    NotificationType.BEFORE_EXPIRY: {"expiry_date": TODAY + timedelta(days=5)},
    NotificationType.EXPIRATION: {"expiry_date": TODAY},
    NotificationType.AFTER_EXPIRY: {
        "expiry_date": TODAY - timedelta(days=5),
        "status": "expired",
    },
    NotificationType.RENEWAL: {"stage": "renewed", "validity_from": _FRESH},
}


@pytest.fixture
def scheme(container: Container) -> Scheme:
    """A scheme with one place of each level, an officer and a product."""
    return Scheme(container).found()


@dataclass
class Recorder:
    """A provider that keeps what it takes; `rejects` and `loses` make it fail."""

    name: str = "Recorder"
    is_repeatable: bool = False
    rejects: str | None = None
    loses: bool = False
    taken: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.rejects:
            raise NotTaken(self.rejects)
        self.taken.append(message)
        if self.loses:
            raise MaybeTaken("no answer came")


@dataclass
class Runs:
    """Runs by hand on a day, with providers of the test's own."""

    container: Container

    def on(self, day: date, *providers: Any, **settings: Any) -> dict[str, Any]:
        container = replace(
            self.container,
            providers=providers,
            settings=replace(self.container.settings, **settings),
        )
        lease = Lease(timedelta(seconds=60))
        run = begin_by_hand(container.database, lease, day, "test")
        assert carry_out(container, run, lease, lambda: False)
        with container.database.reading() as session:
            ended = session.get(type(run), run.id)
            assert ended is not None
            assert ended.summary is not None
            return ended.summary

    def attempts(self, *criteria: Any) -> list[IndicationDetails]:
        with self.container.database.reading() as session:
            query = select(IndicationDetails).where(*criteria).order_by(IndicationDetails.id)
            return list(session.scalars(query))


@pytest.fixture
def runs(container: Container) -> Runs:
    """Runs by hand."""
    return Runs(container)


@pytest.fixture
def provider() -> Recorder:
    """A provider that takes everything."""
    return Recorder()


@pytest.fixture
def make_provider() -> type[Recorder]:
    """Makes providers."""
    return Recorder


@pytest.fixture
def today() -> date:
    """The day on which what is `due` is due."""
    return TODAY


@pytest.fixture
def console(app: Flask) -> Callable[[str], FlaskClient]:
    """The console as somebody with this role sees it; paths are whole."""

    def browser(role: str) -> FlaskClient:
        client = app.test_client()
        member = {"sub": str(uuid.uuid4()), "name": "amina", "role": role, "csrf": CSRF}
        header = f"HTTP_{PASS_HEADER.upper().replace('-', '_')}"
        client.environ_base[header] = _signed(**member, aud=PASS_AUDIENCE)
        return client

    return browser


@pytest.fixture
def csrf() -> dict[str, str]:
    """The field that every form of the console carries."""
    return {"csrf_token": CSRF}
