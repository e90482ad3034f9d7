"""The whole service on both databases, with a simulator for the bus and tokens of our own."""

import http.client
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jwt
import pytest
from common import sealing
from common.console.staff import PASS_AUDIENCE, PASS_HEADER
from common.http.server import Server
from common.loop_thread import LoopThread
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER, TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from esb_relay.app import create_app
from esb_relay.config import SCHEMA, Settings
from esb_relay.container import Container
from esb_relay.demo import replies
from esb_relay.demo.http_server import LoopbackServer, Reply, Request
from esb_relay.demo.messages import Seal
from esb_relay.demo.server import Simulator, listen
from esb_relay.gateway.app import create_gateway
from esb_relay.keys.pairs import Curve, Encoding, PrivateKey, PublicKey, generate
from esb_relay.models import Base
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import Answer, read_answer
from esb_relay.wire.signature import verify
from flask import Flask
from flask.testing import FlaskClient
from scratch_database import empty_tables, scratch_database
from werkzeug.datastructures import EnvironHeaders
from werkzeug.test import TestResponse

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
    with scratch_database(SCHEMA) as url:
        yield url


@pytest.fixture(scope="session")
def esb_key() -> PrivateKey:
    """What the bus signs with."""
    return generate(Curve.SECP256R1)


@pytest.fixture(scope="session")
def bus_server(p256: PrivateKey, esb_key: PrivateKey) -> Iterator[LoopbackServer]:
    """Where the bus listens for the whole run."""
    server = listen(Simulator(esb_key, p256.public, **CLIENT))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def simulator(bus_server: LoopbackServer, p256: PrivateKey, esb_key: PrivateKey) -> Simulator:
    """A bus of this test's own."""
    bus = Simulator(esb_key, p256.public, **CLIENT)
    bus_server.handler = bus.serve
    return bus


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_app(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kept: dict[Any, Any],
    bus_server: LoopbackServer,
    p256: PrivateKey,
    esb_key: PrivateKey,
) -> Iterator[Flask]:
    """One app per database for the whole run, with tables."""
    key = (SCHEMA, request.param)
    if key not in kept:
        folder, url = tmp_path_factory.mktemp(request.param), f"http://127.0.0.1:{bus_server.port}"
        changes: dict[str, Any] = {"private_key": p256.pem().decode()}
        if request.param == "postgres":
            changes["database_url_override"] = request.getfixturevalue("scratch_postgres")
        sealing.create_key(folder / "keys" / "seal")
        app = kept[key] = create_app(_settings(folder, url, esb_key.public, **changes))
        Base.metadata.create_all(app.extensions["esb-relay"].database.engine)
    yield kept[key]
    kept[key].extensions["esb-relay"].database.engine.dispose()


def _settings(folder: Path, url: str, esb_key: PublicKey, **changes: Any) -> Settings:
    """Settings of a relay whose bus is at this address."""
    return Settings(
        var_dir=folder,
        log_level="ERROR",
        token_url=f"{url}/token",
        engine_url=url,
        client_id=CLIENT["client_id"],
        client_secret=CLIENT["secret"],
        esb_public_keys=esb_key.encoded(Encoding.PEM).decode(),
        connect_timeout_s=2.0,
        read_timeout_s=1.0,
        callback_timeout_s=2.0,
        **changes,
    )


@pytest.fixture
def settings_with(shared_app: Flask, simulator: Simulator) -> Callable[..., Settings]:
    """Settings of a relay that speaks to `simulator`, with empty tables; changes by keyword."""
    container: Container = shared_app.extensions["esb-relay"]
    with container.database.writing() as session:
        empty_tables(session.connection(), Base.metadata)
    return lambda **changes: replace(container.settings, **changes)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@dataclass
class Served:
    """A gateway that listens on loopback."""

    gateway: Any
    loop: LoopThread
    port: int = 0
    _server: Server | None = None

    def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self._server = Server(self.gateway)
        self.loop.run(self.gateway.start())
        self.loop.run(self._server.listen([listening]))

    def stop(self) -> None:
        assert self._server is not None
        self.loop.run(self._server.drain(5.0, linger_s=0.0))
        self.loop.run(self.gateway.stop())
        self.gateway._database.engine.dispose()

    @property
    def exchanger(self) -> Any:
        return self.gateway._engine.exchanger

    def ask(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """The status, the header and the body that came over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, {"Connection": "close", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class Front:
    """Leads addresses to the gateway or to the hub, as nginx does."""

    def __init__(self, hub: Callable[..., Iterable[bytes]], served: Served) -> None:
        self._hub = hub
        self._served = served

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        target = environ["REQUEST_URI"]
        if not target.startswith(("/api/esb/relay", "/api/esb/inbound/")):
            return self._hub(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else None
        headers = {name: value for name, value in EnvironHeaders(environ).items() if value}
        status, fields, answer = self._served.ask(environ["REQUEST_METHOD"], target, body, headers)
        kept = [(name, value) for name, value in fields if name != "Connection"]
        start_response(f"{status} {HTTPStatus(status).phrase}", kept)
        return [answer]


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    """Runs coroutines."""
    made = LoopThread()
    yield made
    made.close()


@pytest.fixture
def app_with(
    shared_app: Flask, settings_with: Callable[..., Settings], issuer: Issuer, loop: LoopThread
) -> Iterator[Callable[..., Flask]]:
    """Services with empty tables: `app_with(private_key=None)`; each one's gateway is served on
    loopback, and asked by whoever asks the app for its addresses.

    The first without changes is the one of the whole run, with a gateway of the test's own.
    """
    made: list[Flask] = []
    wsgi_app = shared_app.wsgi_app

    def build(**changes: Any) -> Flask:
        settings = settings_with(**changes)
        shares = not changes and shared_app not in made
        app = shared_app if shares else create_app(settings)
        gateway = create_gateway(settings)
        app.extensions["kiungo-tokens"] = gateway._tokens = TokenVerifier(issuer)
        served = app.extensions["served"] = Served(gateway, loop)
        served.start()
        app.wsgi_app = Front(app.wsgi_app, served)  # type: ignore[method-assign]
        made.append(app)
        return app

    yield build
    for app in made:
        app.extensions["served"].stop()
        if app is not shared_app:
            app.extensions["esb-relay"].database.engine.dispose()
    shared_app.wsgi_app = wsgi_app  # type: ignore[method-assign]


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    return app_with()


@pytest.fixture
def container(app: Flask) -> Container:
    found: Container = app.extensions["esb-relay"]
    return found


@pytest.fixture
def served(app: Flask) -> Served:
    """The gateway of `app`."""
    found: Served = app.extensions["served"]
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
