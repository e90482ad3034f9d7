"""The whole service on both databases, with a stand-in for the bus and tokens of our own."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from common.console.staff import PASS_AUDIENCE, PASS_HEADER
from common.tokens import ALGORITHM, AUDIENCE, ISSUER, TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from esb_relay import create_app
from esb_relay.config import SCHEMA, Settings
from esb_relay.keys import Curve, Encoding, PrivateKey, PublicKey, generate
from esb_relay.models import Base
from esb_relay.parts import Parts
from esb_relay.stand_in import replies
from esb_relay.stand_in.http_server import LoopbackServer, Reply, Request
from esb_relay.stand_in.messages import Seal
from esb_relay.stand_in.server import StandIn, listen
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import Answer, read_answer
from esb_relay.wire.signature import verify
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
CLIENT = {"client_id": "kiungo", "secret": "s:ecret"}
ALL_SCOPES = "esb:relay esb:crypto esb:admin"
KID = "test"
#: What every form of the console carries in these tests.
CSRF = "the session's token"


class Issuer:
    """Signs tokens, and is the source of the key that verifies them."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def find(self, kid: str) -> Ed25519PublicKey | None:
        return self._key.public_key() if kid == KID else None

    def token(self, scope: str, subject: str = "tester") -> str:
        claims = {"sub": subject, "scope": scope, "aud": AUDIENCE, "iss": ISSUER}
        return self._signed(claims)

    def page_pass(self, role: str) -> str:
        """What nginx hands on with a page of the console."""
        claims = {"sub": str(uuid.uuid4()), "name": "amina", "role": role, "csrf": CSRF}
        return self._signed({**claims, "aud": PASS_AUDIENCE, "iss": ISSUER})

    def _signed(self, claims: dict[str, Any]) -> str:
        whole = {**claims, "exp": int(time.time()) + 900}
        return jwt.encode(whole, self._key, ALGORITHM, headers={"kid": KID})


@pytest.fixture(scope="session")
def scratch_postgres() -> Iterator[str]:
    """The URL of a database of this test run's own."""
    name = f"kiungo_esb_{uuid.uuid4().hex[:12]}"
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


@pytest.fixture(scope="session")
def esb_key() -> PrivateKey:
    """What the bus signs with."""
    return generate(Curve.SECP256R1)


@pytest.fixture
def stand_in(p256: PrivateKey, esb_key: PrivateKey) -> Iterator[StandIn]:
    """A bus of this test's own; `stand_in.port` is where it listens."""
    bus = StandIn(esb_key, p256.public, **CLIENT)
    server = listen(bus)
    server.start()
    bus.port = server.port  # type: ignore[attr-defined]
    yield bus
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def settings_with(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    stand_in: StandIn,
    p256: PrivateKey,
    esb_key: PrivateKey,
) -> Callable[..., Settings]:
    """Settings of a relay that speaks to `stand_in`, on each database; changes by keyword."""
    url = f"http://127.0.0.1:{stand_in.port}"  # type: ignore[attr-defined]
    given: dict[str, Any] = {
        "var_dir": tmp_path,
        "log_level": "ERROR",
        "token_url": f"{url}/token",
        "engine_url": url,
        "client_id": CLIENT["client_id"],
        "client_secret": CLIENT["secret"],
        "private_key": p256.pem().decode(),
        "esb_public_keys": esb_key.public.encoded(Encoding.PEM).decode(),
        "connect_timeout_s": 2.0,
        "read_timeout_s": 1.0,
        "callback_timeout_s": 2.0,
    }
    if request.param == "postgres":
        given["database_url_override"] = request.getfixturevalue("scratch_postgres")
    return lambda **changes: Settings(**{**given, **changes})


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def app_with(
    settings_with: Callable[..., Settings], issuer: Issuer
) -> Iterator[Callable[..., Flask]]:
    """Builds apps with empty tables: `app_with(private_key=None)`."""
    made: list[Flask] = []

    def build(**changes: Any) -> Flask:
        app = create_app(settings_with(**changes))
        engine = app.extensions["esb-relay"].database.engine
        if not made:
            Base.metadata.drop_all(engine)
            Base.metadata.create_all(engine)
        app.extensions["kiungo-tokens"] = TokenVerifier(issuer)
        made.append(app)
        return app

    yield build
    for app in made:
        process: Parts = app.extensions["esb-relay"]
        process.exchanger.close()
        process.targets.close()
        process.database.engine.dispose()


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    return app_with()


@pytest.fixture
def parts(app: Flask) -> Parts:
    found: Parts = app.extensions["esb-relay"]
    return found


@dataclass
class Api:
    """The API of `app`, asked with one token; paths are below `/api/esb/`."""

    app: Flask
    token: str

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        client = self.app.test_client()
        return client.open(f"/api/esb/{path}", method=method, headers=headers, **options)

    def relay(self, body: str | None = None, **given: Any) -> TestResponse:
        """A message whose body is this text, digit for digit."""
        text = json.dumps({"code": "DEMO", **given})
        if body is not None:
            text = f'{text[:-1]},"body":{body}}}'
        return self.ask("POST", "relay/", data=text.encode(), content_type="application/json")

    def route(self, **given: Any) -> dict[str, Any]:
        """Open a callback route."""
        made = self.ask("POST", "routes/", json={"name": "r", "target_kind": "http", **given})
        assert made.status_code == 201, made.text
        record: dict[str, Any] = made.get_json()
        return record

    def exchange(self, answer: TestResponse) -> dict[str, Any]:
        """What the log knows of the exchange that `answer` tells of."""
        found = self.ask("GET", f"exchanges/{answer.get_json()['exchange_id']}/")
        assert found.status_code == 200, found.text
        record: dict[str, Any] = found.get_json()
        return record


@pytest.fixture
def api_of(issuer: Issuer) -> Callable[..., Api]:
    """The API of an app: `api_of(app, "esb:crypto")`."""
    return lambda app, scope=ALL_SCOPES: Api(app, issuer.token(scope))


@pytest.fixture
def api(app: Flask, api_of: Callable[..., Api]) -> Api:
    return api_of(app)


@dataclass
class Target:
    """What a callback route leads to: counts and answers as told."""

    status: int = 200
    body: bytes = b'{"n":1.10}'
    delay_s: float = 0.0
    asked: list[Request] = field(default_factory=list)

    def serve(self, request: Request) -> Reply:
        self.asked.append(request)
        time.sleep(self.delay_s)
        return replies.answer(self.body, status=self.status)


@pytest.fixture
def target() -> Iterator[Target]:
    """A target on loopback; `target.url` is its address."""
    made = Target()
    server = LoopbackServer(0, made.serve)
    server.start()
    made.url = f"http://127.0.0.1:{server.port}/take"  # type: ignore[attr-defined]
    yield made
    server.stop()


@dataclass
class Bus:
    """The bus as a caller: signs calls, and verifies what we answer."""

    app: Flask
    key: PrivateKey
    client_key: PublicKey

    def call(
        self,
        route: str,
        request_id: str | None = "R1",
        body: str | None = '{"n":1.10}',
        *,
        key: PrivateKey | None = None,
    ) -> bytes:
        """Post a signed call; the answer's raw bytes, which came with 200."""
        parts = {"apiCode": '"A1"'}
        if request_id is not None:
            parts["requestId"] = json.dumps(request_id)
        if body is not None:
            parts["esbBody"] = body
        data = "{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}"
        return self.send(route, Seal(key or self.key).envelope(data))

    def send(self, route: str, raw: bytes) -> bytes:
        path = f"/api/esb/inbound/{route}"
        answer = self.app.test_client().post(path, data=raw, content_type="application/json")
        assert answer.status_code == 200, answer.text
        return answer.data

    def read(self, raw: bytes) -> Answer:
        """The answer, which bears our signature."""
        envelope = read_envelope(raw)
        verify(envelope, [self.client_key])
        return read_answer(envelope)


@pytest.fixture
def bus(app: Flask, esb_key: PrivateKey, p256: PrivateKey) -> Bus:
    return Bus(app, esb_key, p256.public)


@pytest.fixture
def console(app: Flask, issuer: Issuer) -> Callable[[str], FlaskClient]:
    """The console as somebody with this role sees it: `console("viewer").get("/admin/esb/")`."""

    def browser(role: str) -> FlaskClient:
        client = app.test_client()
        client.environ_base[f"HTTP_{PASS_HEADER.upper().replace('-', '_')}"] = issuer.page_pass(
            role
        )
        return client

    return browser


@pytest.fixture
def csrf() -> dict[str, str]:
    """The field that every form of the console carries."""
    return {"csrf_token": CSRF}
