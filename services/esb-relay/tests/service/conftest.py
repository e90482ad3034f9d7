"""The whole service on both databases, with a stand-in for the bus and tokens of our own."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from common.tokens import ALGORITHM, AUDIENCE, ISSUER, TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from esb_relay import create_app
from esb_relay.config import SCHEMA, Settings
from esb_relay.keys import Curve, Encoding, PrivateKey, generate
from esb_relay.models import Base
from esb_relay.parts import Parts
from esb_relay.stand_in.server import StandIn, listen
from flask import Flask
from werkzeug.test import TestResponse

POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
CLIENT = {"client_id": "kiungo", "secret": "s:ecret"}
ALL_SCOPES = "esb:relay esb:crypto esb:admin"
KID = "test"


class Issuer:
    """Signs tokens, and is the source of the key that verifies them."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def find(self, kid: str) -> Ed25519PublicKey | None:
        return self._key.public_key() if kid == KID else None

    def token(self, scope: str, subject: str = "tester") -> str:
        claims = {"sub": subject, "scope": scope, "aud": AUDIENCE, "iss": ISSUER}
        return jwt.encode(
            {**claims, "exp": int(time.time()) + 900}, self._key, ALGORITHM, headers={"kid": KID}
        )


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
