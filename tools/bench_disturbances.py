"""The most expensive things that callers and staff may do, each in a loop beside other calls."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from bench_load import Result, load
from bench_shapes import Shape
from bench_transactions import fill_installation

CALLS_ON_RECORD = 100_000
PATTERNS = 200
#: Just below BODY_RULES_MAX_BYTES.
BODY_BYTES = 1_000_000
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "anyOf": [
                    *({"required": [f"missing_{number}"]} for number in range(8)),
                    {"properties": {"code": {"pattern": "^([a-z]+[0-9]*)+$"}}},
                ]
            },
        }
    },
}
MASKED = [{"kind": "json", "expression": "items.*.code"}]
#: A secret that was never seen before, in each call.
OTHER_SECRETS = """
local number = 0
request = function()
    number = number + 1
    wrk.headers["X-Client-Secret"] = "wrong-" .. number
    return wrk.format()
end
"""


@dataclass(frozen=True)
class Disturbance:
    """Calls in a loop, from so many connections."""

    name: str
    connections: int
    path: str
    headers: dict[str, str]
    method: str = "GET"
    body: str = field(default="", repr=False)
    request: str = ""

    def go_on(self, shape: Shape, seconds: int) -> Result:
        """Call for so long."""
        return load(
            shape.stack.url + self.path,
            self.headers,
            connections=self.connections,
            seconds=seconds,
            cpu_s=lambda: 0.0,
            script_dir=shape.folder,
            body=self.body,
            method=self.method,
            request=self.request,
        )


def prepare(shape: Shape) -> Sequence[Disturbance]:
    """Channels, a record, a client and a session for all kinds; what they do."""
    management = _Management(shape)
    management.open_channels()
    guessed = management.client_whose_secret_is_slow_to_check()
    fill_installation(shape.stack.installation, CALLS_ON_RECORD)
    calls = "/admin/mediator/transactions/?format=csv"
    wrong = {**shape.headers, "X-Client-Id": guessed, "X-Client-Secret": "wrong"}
    return (
        Disturbance("expensive bodies", 2, "/ruled/x", shape.headers, "POST", _body()),
        Disturbance("long paths", 4, f"/long/{'a1b2/' * 1_500}!", shape.headers),
        Disturbance("CSV exports", 1, calls, {"Cookie": session_cookie(shape)}),
        Disturbance("wrong secrets", 8, "/demo/x", wrong, request=OTHER_SECRETS),
    )


def _body() -> str:
    items = [{"code": f"abcdef{number}ghi{number}"} for number in range(BODY_BYTES // 32)]
    text = json.dumps({"items": items}, separators=(",", ":"))
    while len(text) > BODY_BYTES:
        items = items[: len(items) * BODY_BYTES // len(text)]
        text = json.dumps({"items": items}, separators=(",", ":"))
    return text


class _Management:
    """The management API."""

    def __init__(self, shape: Shape) -> None:
        self._url = shape.stack.url
        answer = requests.post(
            f"{self._url}/oauth/token",
            auth=(shape.stack.demo_client_id, shape.stack.installation.demo_client_secret),
            data={"grant_type": "client_credentials"},
            timeout=10,
        )
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def open_channels(self) -> None:
        """One with rules and masks for bodies, and many with patterns that read the whole path."""
        listed = requests.get(
            f"{self._url}/api/proxy/mediators/", headers=self._headers, timeout=10
        ).json()
        mediator_id = listed["data"][0]["id"]
        self._open("/ruled/*", mediator_id, request_body_schema=SCHEMA, masked_fields=MASKED)
        for number in range(PATTERNS):
            self._open(f"^/long/([a-z0-9]+/)*end{number}$", mediator_id)

    def client_whose_secret_is_slow_to_check(self) -> str:
        """Its id. Its secret is one that somebody chose, so each guess of it has to be hashed."""
        given = {"client_id": "guessed", "name": "Guessed", "client_secret": "chosen by somebody"}
        requests.post(
            f"{self._url}/api/proxy/clients/", headers=self._headers, json=given, timeout=30
        ).raise_for_status()
        return "guessed"

    def _open(self, pattern: str, mediator_id: str, **fields: Any) -> None:
        given = {"name": pattern, "path_pattern": pattern, "mediator_id": mediator_id, **fields}
        requests.post(
            f"{self._url}/api/proxy/channels/", headers=self._headers, json=given, timeout=30
        ).raise_for_status()


def session_cookie(shape: Shape) -> str:
    """The administrator's, signed in."""
    page = f"{shape.stack.url}/admin/login/"
    with requests.Session() as session:
        found = re.search(r'name="csrf_token" value="([^"]+)"', session.get(page, timeout=10).text)
        form = {
            "username": "admin",
            "password": shape.stack.installation.admin_password,
            "csrf_token": found[1] if found else "",
        }
        headers = {"Origin": shape.stack.url, "Referer": page}
        session.post(page, data=form, headers=headers, allow_redirects=False, timeout=30)
        return "; ".join(f"{one.name}={one.value}" for one in session.cookies)


def record_url(shape: Shape) -> str:
    """The URL of the proxy's database, as SQLAlchemy takes it."""
    environ = shape.stack.installation.environ
    if shape.database is None:
        return f"sqlite:///{shape.stack.installation.var_dir}/proxy.sqlite3"
    url = environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    return f"{url}?options=-csearch_path%3Dproxy"
