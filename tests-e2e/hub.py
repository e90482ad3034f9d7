"""The running system as a test uses it: through nginx, with a token, with a client's secret."""

import uuid
from pathlib import Path
from typing import Any

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
        self._token = ""

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "X-Client-Id": self.stack.demo_client_id,
            "X-Client-Secret": self.stack.installation.demo_client_secret,
        }

    @property
    def token(self) -> str:
        if not self._token:
            answer = self.session.post(
                f"{self.url}/oauth/token",
                auth=(self.stack.demo_client_id, self.stack.installation.demo_client_secret),
                data={"grant_type": "client_credentials"},
                timeout=10,
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
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

    def transaction(self, correlation_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"transactions/{correlation_id}/", 200)
        return found


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:10]}"
