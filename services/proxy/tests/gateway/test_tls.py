"""Mediators behind TLS: who they are is verified before a byte of a call leaves."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent
from common.http.pool import Pool

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class TlsMediator:
    """Answers every request over TLS; counts connections and requests."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._server.getsockname()[1]}"
        self.got: list[bytes] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            with suppress(OSError), sock, self._context.wrap_socket(sock, server_side=True) as tls:
                tls.settimeout(5)
                while got := tls.recv(65536):
                    self.got.append(got)
                    tls.sendall(ANSWER)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture
def mediator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TlsMediator]:
    started = TlsMediator(write_certificate(tmp_path / "cert.pem", **request.param))
    yield started
    started.close()


VISIT = """
import asyncio, sys
from common.http.answer import Limits
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent
from common.http.pool import Pool

async def visit():
    endpoint, pool = Endpoint.parse(sys.argv[1]), Pool(2.0)
    try:
        for _ in range(3):
            connection = await pool.take(endpoint)
            head = b"GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n"
            answer = await connection.exchange("GET", head, b"", Limits(2.0, 5.0))
            print((await answer.read_whole(10)).decode())
            await asyncio.sleep(0)  # the connection is given back
    except NotSent as exc:
        print(exc)
    pool.close()
    await asyncio.sleep(0)

asyncio.run(visit())
"""


def visit(mediator: TlsMediator, trusted: Path) -> list[str]:
    """What a process sees that trusts the certificate `trusted`."""
    ended = subprocess.run(
        [sys.executable, "-c", VISIT, mediator.url],
        env={"PYTHONPATH": ":".join(sys.path), "SSL_CERT_FILE": str(trusted)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


@pytest.mark.parametrize("mediator", [{}], indirect=True)
def test_mediator_that_is_vouched_for_is_called_over_one_connection(
    mediator: TlsMediator, tmp_path: Path
) -> None:
    assert visit(mediator, tmp_path / "cert.pem") == ["ok"] * 3
    assert mediator.connections == 1


@pytest.mark.parametrize(
    "mediator", [{"days": -1}, {"host": "127.0.0.2"}], indirect=True, ids=["expired", "another"]
)
def test_certificate_must_be_valid_and_the_mediators_own(
    mediator: TlsMediator, tmp_path: Path
) -> None:
    assert visit(mediator, tmp_path / "cert.pem") == [
        "cannot be reached (SSLCertVerificationError)"
    ]
    assert mediator.got == []


@pytest.mark.parametrize("mediator", [{}], indirect=True)
def test_mediator_that_nobody_vouches_for_is_unreachable(run: Any, mediator: TlsMediator) -> None:
    with pytest.raises(NotSent):
        run(Pool(1.0).take(Endpoint.parse(mediator.url)))
    assert mediator.got == []


def test_mediator_that_does_not_speak_tls_is_unreachable(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint.parse(f"https://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(NotSent):
            run(Pool(0.1).take(endpoint))
