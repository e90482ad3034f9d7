"""The simulated bus of a running system: what it saw, how it shall behave, its calls to us."""

import json
from typing import Any

import requests
from esb_relay.demo.messages import Seal
from esb_relay.keys.files import load_private_key
from hub import Hub


class Bus:
    """The simulator behind `hub`, and the relay's API through nginx."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        installation = hub.stack.installation
        self._control = f"http://127.0.0.1:{installation.ports['DEMO_GOVESB_PORT']}/simulator"
        key = installation.var_dir / "keys" / "esb" / "simulator.pem"
        self._seal = Seal(load_private_key(str(key)))

    @property
    def granted(self) -> int:
        """How many tokens were asked for."""
        return int(self._said()["granted"])

    def seen(self, code: str) -> int:
        """How many requests came with `code`, or late answers with this `requestId`."""
        return int(self._said()["seen"].get(code, 0))

    def tell(self, **behaviour: Any) -> None:
        """`tokens={"expires_in": 3}`, `revoke=True`."""
        requests.post(self._control, json=behaviour, timeout=10).raise_for_status()

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call to the relay's API."""
        headers = {"Authorization": f"Bearer {self.hub.token}", **options.pop("headers", {})}
        return self.hub.session.request(
            method, f"{self.hub.url}/api/esb/{path}", headers=headers, timeout=60, **options
        )

    def relay(self, body: str, **message: Any) -> requests.Response:
        """A message whose body is this JSON text."""
        text = f'{json.dumps({"code": "E2E", **message})[:-1]},"body":{body}}}'
        return self.ask(
            "POST", "relay/", data=text.encode(), headers={"Content-Type": "application/json"}
        )

    def exchanges(self, call: requests.Response) -> list[dict[str, Any]]:
        """The exchanges that came of a call."""
        wanted = {"correlation_id": call.headers["X-Correlation-Id"]}
        found: list[dict[str, Any]] = self.ask("GET", "exchanges/", params=wanted).json()["data"]
        return found

    def call(self, route: str, data: str) -> bytes:
        """A signed call of the bus, JSON or XML; our answer, which bears our signature."""
        url = f"{self.hub.url}/api/esb/inbound/{route}"
        answer = requests.post(url, data=self._seal.envelope(data), timeout=60)
        assert answer.status_code == 200, answer.text
        verdict = self.ask("POST", "verify/?key=own", data=answer.content).json()
        assert verdict["verified_by"] == "raw"
        return answer.content

    def open_channel(self, path: str, codes: dict[str, dict[str, str]], **channel_is: Any) -> None:
        """A channel to the bus for these organizations, known to every process."""
        record = self.hub.new_mediator("http://127.0.0.1:9")
        channel = self.hub.new_channel(path, record["id"], **channel_is)
        for organization, given in codes.items():
            self.register(organization, **given, channel_id=channel["id"])
        self.hub.in_force()

    def register(self, organization: str, **given: Any) -> None:
        """An organization's codes, for the demonstration client."""
        codes = {"organization": organization, "allow": [self.hub.stack.demo_client_id], **given}
        self.hub.api("POST", "registrations/", 201, json=codes)

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = requests.get(self._control, timeout=10).json()
        return said
