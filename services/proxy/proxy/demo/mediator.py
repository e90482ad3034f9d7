"""A small upstream on loopback, so that a fresh installation has something real to reach.

It registers itself, sends heartbeats, echoes what it gets, and can be told to misbehave by query:
`?delay=<seconds>`, `?status=<code>`, `?size=<bytes>`, `?fail=reset`.
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from common.errors import DomainError
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

log = get_logger(__name__)

HOST = "127.0.0.1"
HEARTBEAT_EVERY_S = 10.0
MAX_DELAY_S = 120.0
MAX_SIZE_BYTES = 200 * 1024 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


class EchoHandler(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"
    server_version = "kiungo-demo"

    def _echo(self) -> None:
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        body = self._read_body()
        time.sleep(min(_number(asked.get("delay"), 0.0), MAX_DELAY_S))
        if asked.get("fail") == "reset":
            self.close_connection = True
            return
        status = int(_number(asked.get("status"), 200))
        if "size" in asked:
            self._send_bulk(status, int(min(_number(asked["size"], 0), MAX_SIZE_BYTES)))
            return
        self._send(status if 200 <= status <= 599 else 200, self._description(parts.path, body))

    # The base class finds its handlers by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _echo  # noqa: N815

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(length, MAX_BODY_BYTES))

    def _read_chunks(self) -> bytes:
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _description(self, path: str, body: bytes) -> bytes:
        text = body.decode("utf-8", "replace")
        try:
            shown: Any = json.loads(text) if text else None
        except ValueError:
            shown = text
        return json.dumps(
            {
                "message": "Hello from the demo mediator",
                "method": self.command,
                "path": path,
                "query": urlsplit(self.path).query,
                "headers": dict(self.headers.items()),
                "body": shown,
            }
        ).encode()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status in (204, 304):
            self.end_headers()
            return
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_bulk(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        block = bytes(range(256)) * 256
        while size > 0 and self.command != "HEAD":
            self.wfile.write(block[:size])
            size -= len(block)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the hub keeps the record."""


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return value if value >= 0 and value < float("inf") else default


def run_demo_mediator(port: int, heartbeat: Callable[[float], None]) -> None:
    """Serve until the process ends; `heartbeat(uptime_s)` is called now and then."""
    started = time.monotonic()

    def beat() -> None:
        while True:
            try:
                heartbeat(time.monotonic() - started)
            except (SQLAlchemyError, DomainError) as exc:
                log.warning("heartbeat_failed", reason=type(exc).__name__)
            time.sleep(HEARTBEAT_EVERY_S)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    server = ThreadingHTTPServer((HOST, port), EchoHandler)
    server.daemon_threads = True
    log.info("demo_mediator_started", port=port)
    server.serve_forever()
