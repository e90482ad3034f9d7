"""A proxy on a real database, SQLite and PostgreSQL, with tables and a token key."""

import dataclasses
import logging
import re
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from common import sealing
from common.http.server import Server
from common.ids import lowest_id_at
from common.loop_thread import LoopThread
from common.web.tokens import TokenVerifier
from flask import Flask
from flask.testing import FlaskClient
from proxy.access import secrets
from proxy.access.scopes import SCOPES
from proxy.access.signing import create_key
from proxy.app import create_app
from proxy.config import SCHEMA, Settings
from proxy.container import Container
from proxy.gateway.gateway import Gateway
from proxy.gateway.own_paths import Front
from proxy.models import Base, RoutingVersion, Transaction, TransactionStatus
from scratch_database import empty_tables, scratch_database
from sqlalchemy import insert
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
CONSOLE = "kiungo-console"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def scratch_postgres() -> Iterator[str]:
    """The URL of a database of this test run's own."""
    with scratch_database(SCHEMA) as url:
        yield url
        logging.disable()  # the threads of this run's apps outlive their database


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Slow hashes are slow on purpose; what is tested here is not how slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "HASH_METHOD", "scrypt:1024:8:1")
        yield


def settings_for(
    database: str, folder: Path, request: pytest.FixtureRequest, **changes: Any
) -> Settings:
    """Settings of a proxy on `sqlite` or `postgres`, with its files in `folder`."""
    if database == "postgres":
        changes["database_url_override"] = request.getfixturevalue("scratch_postgres")
    return Settings(var_dir=folder, log_level="ERROR", **changes)


def build(settings: Settings) -> Flask:
    """The app with tables and a token key."""
    create_key(settings.var_dir / "keys" / "tokens")
    sealing.create_key(settings.seal_keys_folder)
    app = create_app(settings)
    engine = app.extensions["proxy"].database.engine
    Base.metadata.create_all(engine)
    return app


def empty(app: Flask) -> None:
    """Forget every row, and every wrong secret."""
    container: Container = app.extensions["proxy"]
    container.throttle._levels.clear()
    with container.database.writing() as session:
        empty_tables(session.connection(), Base.metadata)
        session.execute(insert(RoutingVersion).values(id=1, version=0))


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
        kept[key] = build(settings_for(request.param, folder, request))
    yield kept[key]
    kept[key].extensions["proxy"].database.engine.dispose()


@pytest.fixture
def app(shared_app: Flask) -> Flask:
    """The app, with empty tables."""
    empty(shared_app)
    return shared_app


@pytest.fixture
def container(app: Flask) -> Container:
    """The container of the app's process."""
    found: Container = app.extensions["proxy"]
    return found


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    """One event loop for the whole run."""
    started = LoopThread()
    yield started
    started.close()


@pytest.fixture(scope="session")
def run(loop_thread: LoopThread) -> Run:
    """What a coroutine returns that runs on that loop."""
    return loop_thread.run


class ServedGateway:
    """A gateway on loopback, asked over HTTP as its callers do; redirects are answers."""

    def __init__(self, container: Container, run: Run) -> None:
        self._run = run
        self.gateway = Gateway(container)
        self._server = Server(Front(self.gateway, container))
        self._session = requests.Session()
        self._session.trust_env = False
        sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = sock.getsockname()[1]
        run(self._start(sock))

    async def _start(self, sock: socket.socket) -> None:
        await self.gateway.start()
        await self._server.listen([sock])

    def open(self, method: str, path: str, **options: Any) -> requests.Response:
        """The answer to one request, made by the rules that are stored now."""
        self.gateway.routing.refresh()
        url = f"http://127.0.0.1:{self.port}{path}"
        return self._session.request(method, url, allow_redirects=False, timeout=20, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """The answer to a GET."""
        return self.open("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """The answer to a POST."""
        return self.open("POST", path, **options)

    def close(self) -> None:
        """Stop as a worker does."""
        self._session.close()
        self._run(self._server.drain(5.0, linger_s=0.0))
        self._run(self.gateway.stop())


@pytest.fixture
def served(container: Container, run: Run) -> Iterator[ServedGateway]:
    """The gateway of the app's database."""
    started = ServedGateway(container, run)
    yield started
    started.close()


@pytest.fixture
def serve(run: Run) -> Iterator[Callable[[Container], ServedGateway]]:
    """Starts gateways of other containers."""
    started: list[ServedGateway] = []

    def start(other: Container) -> ServedGateway:
        started.append(ServedGateway(other, run))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def served_with(
    container: Container, serve: Callable[[Container], ServedGateway]
) -> Callable[..., ServedGateway]:
    """Gateways of the app's database with other settings: `served_with(token_issuers=…)`."""

    def start(**changes: Any) -> ServedGateway:
        settings = dataclasses.replace(container.settings, **changes)
        return serve(dataclasses.replace(container, settings=settings))

    return start


@dataclass
class Api:
    """The management API, asked with one token; `a_…` are bodies that create records."""

    client: FlaskClient
    token: str

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        """One request; paths are below `/api/proxy/`."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if json is not None:
            options["json"] = json
        return self.client.open(f"/api/proxy/{path}", method=method, headers=headers, **options)

    def get(self, path: str, /, **query: Any) -> TestResponse:
        """Ask for something."""
        return self.ask("GET", path, query_string=query)

    def post(self, path: str, json: Any = None) -> TestResponse:
        """Ask for an act."""
        return self.ask("POST", path, json)

    def patch(self, path: str, json: Any) -> TestResponse:
        """Ask for a change."""
        return self.ask("PATCH", path, json)

    def delete(self, path: str) -> TestResponse:
        """Ask for an end."""
        return self.ask("DELETE", path)

    def made(self, noun: str, **given: Any) -> dict[str, Any]:
        """Create a record and give its wire form."""
        answer = self.post(f"{noun}/", given)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        record: dict[str, Any] = answer.get_json()["data"]
        return record

    @staticmethod
    def a_client(**changes: Any) -> dict[str, Any]:
        """What creates a client."""
        return {"name": "Clinic", "client_id": "clinic", **changes}

    @staticmethod
    def a_mediator(**changes: Any) -> dict[str, Any]:
        """What registers a mediator."""
        return {
            "name": "Registry",
            "urn": "urn:mediator:registry",
            "version": "1.2.0",
            "endpoint_url": "http://127.0.0.1:9",
            **changes,
        }

    @staticmethod
    def a_channel(mediator: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """What opens a channel to `mediator`."""
        return {
            "name": "Patients",
            "path_pattern": "/patients/*",
            "mediator_id": mediator["id"],
            **changes,
        }

    @staticmethod
    def a_member(**changes: Any) -> dict[str, Any]:
        """What lets a member of staff in."""
        return {"username": "amina", "password": PASSWORD, **changes}


@pytest.fixture
def api_with(app: Flask, container: Container) -> Callable[[str], Api]:
    """The API, asked with a token of these scopes."""

    def make(scope: str) -> Api:
        return Api(app.test_client(), container.signer.sign("tester", 900, scope=scope))

    return make


@pytest.fixture
def api(api_with: Callable[[str], Api]) -> Api:
    """The API, asked by an administrator."""
    return api_with(" ".join(SCOPES))


@pytest.fixture
def mediator(api: Api) -> dict[str, Any]:
    """A mediator over HTTP."""
    return api.made("mediators", **api.a_mediator())


@pytest.fixture
def channel(api: Api, mediator: dict[str, Any]) -> dict[str, Any]:
    """A channel to that mediator."""
    return api.made("channels", **api.a_channel(mediator))


@dataclass
class Browser:
    """A browser at the console; `amina` is the member of staff who uses it."""

    client: FlaskClient
    container: Container
    address: str = "198.51.100.7"

    def get(self, path: str = "/admin/", **options: Any) -> TestResponse:
        """Open a page; redirects are not followed."""
        return self.client.get(path, **options)

    def form_token(self, path: str = "/admin/login/", **options: Any) -> str:
        """The token of the form on a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path, **options).text)
        assert found is not None
        return found.group(1)

    def sign_in(
        self,
        password: str = PASSWORD,
        *,
        headers: dict[str, str] | None = None,
        base_url: str | None = None,
        **form: str,
    ) -> TestResponse:
        """Send the log-in form."""
        token = (
            form.pop("csrf_token")
            if "csrf_token" in form
            else self.form_token(headers=headers, base_url=base_url)
        )
        given = {"username": "amina", "password": password, "csrf_token": token, **form}
        sent = {"X-Forwarded-For": self.address, **(headers or {})}
        return self.client.post("/admin/login/", data=given, headers=sent, base_url=base_url)

    def post(self, path: str, /, **form: str) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data=form)

    def act(self, path: str, /, **form: Any) -> TestResponse:
        """Send a form of a page that the console showed, with the session's token."""
        return self.post(path, csrf_token=self.form_token("/admin/"), **form)

    def sign_out(self, **form: str) -> TestResponse:
        """Send the log-out form."""
        return self.client.post("/admin/logout/", data=form)

    @property
    def session(self) -> str | None:
        """The session's token."""
        cookie = self.client.get_cookie("kiungo_session", path="/admin")
        return cookie.value if cookie else None

    @session.setter
    def session(self, token: str) -> None:
        self.client.set_cookie("kiungo_session", token, path="/admin")

    @property
    def claims(self) -> dict[str, Any]:
        """What the session's token says."""
        return TokenVerifier(self.container.signer).claims(self.session or "", audience=CONSOLE)


@pytest.fixture
def member(api: Api) -> dict[str, Any]:
    """A member of staff."""
    return api.made("staff", **api.a_member(role="operator"))


@pytest.fixture
def record(container: Container) -> Callable[..., str]:
    """Puts a call on record; its id is as old as its start."""

    def put(minute: int = 0, **changes: Any) -> str:
        started_at = NOON + timedelta(minutes=minute)
        values: dict[str, Any] = {
            "correlation_id": lowest_id_at(started_at),
            "channel_name": "Patients",
            "client_name": "clinic",
            "client_address": "192.0.2.7",
            "status": TransactionStatus.SUCCESSFUL,
            "request_method": "GET",
            "request_url": "/patients/17?full=1",
            "request_headers": {"Accept": "*/*", "X-Many": ["a", "b"]},
            "request_body": "",
            "request_body_whole": True,
            "response_status_code": 200,
            "response_headers": {"Content-Type": "application/json"},
            "response_body": "{}",
            "started_at": started_at,
            "completed_at": started_at,
            "duration_ms": 12.5,
            **changes,
        }
        with container.database.writing() as session:
            session.add(Transaction(**values))
        return str(values["correlation_id"])

    return put


@pytest.fixture
def browser(app: Flask, container: Container) -> Browser:
    """A browser in which nobody has signed in."""
    return Browser(app.test_client(), container)


@pytest.fixture
def signed_in(browser: Browser, member: dict[str, Any]) -> Browser:
    """A browser in which the member of staff has signed in."""
    assert browser.sign_in().status_code == 303
    return browser


@pytest.fixture
def signed_in_as(browser: Browser, api: Api) -> Callable[[str], Browser]:
    """Signs a member of staff in who has this role."""

    def sign_in(role: str) -> Browser:
        api.made("staff", **api.a_member(role=role))
        assert browser.sign_in().status_code == 303
        return browser

    return sign_in


@pytest.fixture
def admin(signed_in_as: Callable[[str], Browser]) -> Browser:
    """A browser in which an administrator has signed in."""
    return signed_in_as("admin")
