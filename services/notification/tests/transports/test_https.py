"""A provider behind TLS: kept connections with several requests under way; a stranger gets none."""

import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certificates import write_certificate
from common.http import connection
from notification.transports import Outcome

ANSWER = b'{"message_id": "m1"}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peers: set[tuple[str, int]] = set()
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.peers.add(self.client_address)
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # clients hang up, or do not trust it


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "server.pem")


@pytest.fixture
def address(certificate: Path) -> Iterator[str]:
    """Of a provider with that certificate."""
    Handler.peers.clear()
    Handler.bodies.clear()
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/send"
    server.shutdown()
    server.server_close()


def test_requests_share_kept_connections(
    address: str,
    certificate: Path,
    new_provider: Callable,
    message: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connection, "verified_tls", lambda: trusting)
    provider = new_provider("generic", url=address, concurrency=3)
    results = [*provider.send([message()] * 9), *provider.send([message()] * 3)]
    assert {result.outcome for result in results} == {Outcome.SENT}
    assert len(Handler.bodies) == 12
    assert len(Handler.peers) == 3


def test_a_stranger_gets_nothing(address: str, new_provider: Callable, message: Callable) -> None:
    (result,) = new_provider("generic", url=address).send([message()])
    assert result.outcome is Outcome.TRANSPORT_CLOSED
    assert Handler.bodies == []
