"""A running OpenHIM is asked for what an export would hold, with a user's log-in by token."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import Result
from common.importing.source import SourceError
from flask import Flask
from one_database import on_one_database
from openhim_documents import an_export
from proxy.openhim.documents import KEYS
from proxy.openhim.remote import RemoteOpenHim

PASSWORD, SALT = "the password there", "5a17"


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


class Simulator(BaseHTTPRequestHandler):
    """OpenHIM's API as far as it is asked."""

    answers: dict[str, Any]

    def do_GET(self) -> None:
        """Answer who has logged in."""
        if self.path == "/authenticate/root%40openhim.org":
            return self._send(200, {"salt": SALT, "ts": "2026-01-01T00:00:00.000Z"})
        moment, sent = self.headers.get("auth-ts", ""), self.headers.get("auth-token", "")
        if sent != sha512(sha512(SALT + PASSWORD) + SALT + moment):
            return self._send(401, "")
        return self._send(200, self.answers.get(self.path, {}))

    def _send(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of one that holds everything."""
    document = an_export()
    Simulator.answers = {f"/{kind.lower()}": document[kind] for kind in KEYS}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Simulator)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@on_one_database()
def test_everything_of_a_running_openhim_comes_over(app: Flask, api: Any, url: str) -> None:
    def run(password: str, *more: str) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(
                args=["import-openhim", "--url", url, "--user", "root@openhim.org", *more],
                env={"OPENHIM_PASSWORD": password},
            )

    wrong = run("wrong")
    assert (wrong.exit_code, "password wrong" in wrong.output) == (1, True)
    assert run("").exit_code == 2
    assert run(PASSWORD, "--dry-run").exit_code == 0
    assert api.get("channels/").get_json()["count"] == 0
    done = run(PASSWORD)
    assert "channel 'Registry': new" in done.output
    assert PASSWORD not in done.output
    assert api.get("clients/").get_json()["count"] == 1


@pytest.mark.parametrize("address", ["http://openhim.example:8080", "ftp://x", "openhim.example"])
def test_password_goes_nowhere_in_clear(address: str) -> None:
    with pytest.raises(SourceError, match="https"):
        RemoteOpenHim(address, "root@openhim.org", PASSWORD)


def test_what_is_no_openhim_is_said(url: str) -> None:
    Simulator.answers = {}
    with pytest.raises(SourceError, match="no list"):
        RemoteOpenHim(url, "root@openhim.org", PASSWORD).export()
    with pytest.raises(SourceError, match="reached"):
        RemoteOpenHim("http://127.0.0.1:1", "root@openhim.org", PASSWORD).export()
