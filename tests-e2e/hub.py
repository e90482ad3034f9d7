"""The running system as a test uses it: through nginx, with a token, with a client's secret."""

import json
import re
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import requests
from database_link import DatabaseLink
from stack import Stack


class Hub:
    """Calls through the front door, and short ways to set up what a test needs."""

    #: The process that makes calls.
    gateway = "proxy-gateway"

    def __init__(
        self,
        stack: Stack,
        shape: str,
        *,
        output: Path | None = None,
        link: DatabaseLink | None = None,
    ) -> None:
        """`output` has every line its processes wrote; `link` leads them to their database."""
        self.stack = stack
        self.shape = shape
        self.output = output
        self.link = link
        self.url = stack.url
        self.session = requests.Session()
        self.session.trust_env = False
        self._token, self._renewed_at = "", 0.0
        self._read_to = 0
        self._versions: dict[int, int] = {}

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "X-Client-Id": self.stack.demo_client_id,
            "X-Client-Secret": self.stack.installation.demo_client_secret,
        }

    @property
    def token(self) -> str:
        if time.monotonic() >= self._renewed_at:
            answer = self.session.post(
                f"{self.url}/oauth/token",
                auth=(self.stack.demo_client_id, self.stack.installation.demo_client_secret),
                data={"grant_type": "client_credentials"},
                timeout=10,
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
            self._renewed_at = time.monotonic() + answer.json()["expires_in"] / 2
        return self._token

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """A call with the demo client's credentials, unless `headers` says otherwise."""
        headers = {**self.credentials, **(kwargs.pop("headers", None) or {})}
        return self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, timeout=60, **kwargs
        )

    def api(self, method: str, path: str, expect: int | None = None, **kwargs: Any) -> Any:
        """A call to the management API; the JSON of the answer."""
        answer = self.session.request(
            method,
            f"{self.url}/api/proxy/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            **kwargs,
        )
        assert expect is None or answer.status_code == expect, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def new_mediator(self, endpoint_url: str, **fields: Any) -> dict[str, Any]:
        name = unique("mediator")
        record = {"urn": f"urn:test:{name}", "name": name, "version": "1.0.0"}
        made: dict[str, Any] = self.api(
            "POST", "mediators/", 201, json={**record, "endpoint_url": endpoint_url, **fields}
        )
        return made

    def new_channel(self, path_pattern: str, mediator_id: str, **fields: Any) -> dict[str, Any]:
        record = {"name": unique("channel"), "path_pattern": path_pattern}
        made: dict[str, Any] = self.api(
            "POST", "channels/", 201, json={**record, "mediator_id": mediator_id, **fields}
        )
        return made

    def new_client(self, **fields: Any) -> dict[str, str]:
        """Headers of a new client."""
        record = {"client_id": unique("client"), "name": "test", **fields}
        made = self.api("POST", "clients/", 201, json=record)
        return {"X-Client-Id": made["client_id"], "X-Client-Secret": made["client_secret"]}

    def in_force(self, timeout_s: float = 30.0) -> float:
        """Wait until every gateway process decides by what is stored now; the seconds it took."""
        began, stored = time.monotonic(), self._stored_version()
        gateways = int(self.stack.installation.environ["GATEWAY_CONCURRENCY"])
        while sum(version >= stored for version in self._loaded_versions().values()) < gateways:
            assert time.monotonic() - began < timeout_s, f"{stored} is not in force everywhere"
            time.sleep(0.05)
        return time.monotonic() - began

    def _stored_version(self) -> int:
        query = "SELECT version FROM {}routing_version"
        if self.shape == "production":
            url = self.stack.installation.environ["DATABASE_URL"]
            with psycopg.connect(url) as connection:
                found = connection.execute(query.format("proxy.")).fetchone()
        else:
            path = Path(self.stack.installation.var_dir, "proxy.sqlite3")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                found = connection.execute(query.format("")).fetchone()
        assert found
        return int(found[0])

    def _loaded_versions(self) -> dict[int, int]:
        """The version that each gateway process said to have loaded, by its id."""
        assert self.output is not None
        with self.output.open("rb") as output:
            output.seek(self._read_to)
            whole, _, _ = output.read().rpartition(b"\n")
        self._read_to += len(whole)
        for line in re.findall(rb"{.*\brouting_loaded\b.*}", whole):
            event = json.loads(line)
            if event["service"] == self.gateway:
                self._versions[event["process"]] = event["version"]
        return self._versions

    def transaction(self, correlation_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"transactions/{correlation_id}/", 200)
        return found


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:10]}"
