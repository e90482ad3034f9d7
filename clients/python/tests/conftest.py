"""A hub of a test's own: it answers as it is told, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = tuple[int, Any]


class SimulatedHub(ThreadingHTTPServer):
    """`answers` holds (status, document) by "METHOD /path"; None: the connection is closed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Callable[[dict[str, Any]], Answer | None]] = {}
        self.asked: list[dict[str, Any]] = []
        self.tokens = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def will(self, what: str, *answers: Answer | None) -> None:
        """Answer so, one after the other; the last one ever after."""
        left = list(answers)
        self.answers[what] = lambda _asked: left.pop(0) if len(left) > 1 else left[0]


class _Handler(BaseHTTPRequestHandler):
    server: SimulatedHub

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {"method": self.command, "path": path, "query": query, "headers": self.headers}
        self.server.asked.append({**asked, "body": body})
        if path == "/oauth/token":
            self.server.tokens += 1
            found: Answer | None = (
                200,
                {"access_token": f"token-{self.server.tokens}", "expires_in": 3600},
            )
        else:
            found = self.server.answers[f"{self.command} {path}"](asked)
        if found is None:
            self.close_connection = True
            return
        status, document = found
        content = json.dumps(document).encode()
        self.send_response(status)
        media_type = "application/problem+json" if status >= 400 else "application/json"
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Correlation-Id", "c-1")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[SimulatedHub]:
    server = SimulatedHub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
