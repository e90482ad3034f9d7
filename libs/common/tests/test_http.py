"""Outbound calls: what was surely not sent, what may have arrived, and what is passed on."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from common.correlation import RequestContext, follow, leave
from common.http import HttpClient, NotSent, OutcomeUnknown, Timeouts
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = IPv4Address("127.0.0.1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """Answers each connection's first request with `raw`, then closes; remembers the requests."""

    def __init__(self, raw: bytes = OK, *, then: Callable[[socket.socket], None] | None = None):
        self.raw, self.then, self.got = raw, then, b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.url = f"http://{self.address}/path"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            with sock, suppress(OSError):
                sock.settimeout(5)
                self.answer(sock)

    def answer(self, sock: socket.socket) -> None:
        while b"\r\n\r\n" not in self.got:
            piece = sock.recv(65536)
            if not piece:
                return
            self.got += piece
        sock.sendall(self.raw)
        if self.then:
            self.then(sock)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    opened: list[Peer] = []
    yield opened
    for peer in opened:
        peer.close()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    opened = HttpClient(Timeouts(connect_s=0.3, read_s=0.3))
    yield opened
    opened.close()


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes no more connections: its queue is full, a SYN is not answered."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for sock in waiting:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.connect(server.getsockname())
    yield server.getsockname()[1]
    for sock in (*waiting, server):
        sock.close()


# --- surely not sent


def test_refused_connection_is_not_sent(client: HttpClient) -> None:
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:1 cannot be reached"):
        client.request("POST", "http://127.0.0.1:1/x", data=b"x")


def test_connection_that_is_not_accepted_in_time_is_not_sent(
    client: HttpClient, deaf_port: int
) -> None:
    started = time.monotonic()
    with pytest.raises(NotSent, match="did not accept a connection in time"):
        client.request("POST", f"http://127.0.0.1:{deaf_port}/x")
    assert time.monotonic() - started < 10


def test_unknown_host_is_not_sent(client: HttpClient) -> None:
    with pytest.raises(NotSent, match=r"no-such-host\.invalid cannot be reached"):
        client.request("POST", "http://no-such-host.invalid/x")


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://127.0.0.1/x", "http://", "http://[x/", "http://a..b/"]
)
def test_address_that_cannot_be_called_is_not_sent(client: HttpClient, url: str) -> None:
    with pytest.raises(NotSent):
        client.request("POST", url)


def test_message_shows_neither_credentials_nor_query(client: HttpClient) -> None:
    with pytest.raises(NotSent) as caught:
        client.request("GET", "http://user:hunter2@127.0.0.1:1/x?token=hunter2")
    assert "hunter2" not in str(caught.value)


# --- may have arrived

UNKNOWN: dict[str, tuple[bytes, Callable[[socket.socket], None] | None]] = {
    "hangs up without an answer": (b"", None),
    "resets the connection": (b"", reset),
    "answers too late": (b"", lambda _sock: time.sleep(0.6)),
    "breaks off in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", None),
    "stops in the body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        lambda _sock: time.sleep(0.6),
    ),
    "breaks off between chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        None,
    ),
    "speaks another protocol": (b"SSH-2.0-OpenSSH_9\r\n\r\n", None),
    "packs what cannot be unpacked": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
        None,
    ),
}


@pytest.mark.parametrize(("raw", "then"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_outcome_is_unknown_when_the_other_side(
    client: HttpClient,
    peers: list[Peer],
    raw: bytes,
    then: Callable[[socket.socket], None] | None,
) -> None:
    peers.append(Peer(raw, then=then))
    with pytest.raises(OutcomeUnknown):
        client.request("POST", peers[0].url, data=b"x")


# --- what is sent, and what is not


def test_redirect_is_an_answer(client: HttpClient, peers: list[Peer]) -> None:
    target = Peer()
    raw = f"HTTP/1.1 302 Found\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n"
    peers += [Peer(raw.encode()), target]
    assert client.request("GET", peers[0].url).status_code == 302
    assert target.got == b""


def test_redirect_to_nonsense_is_an_answer(client: HttpClient, peers: list[Peer]) -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: http://[nonsense\r\nContent-Length: 0\r\n\r\n"
    peers.append(Peer(raw))
    assert client.request("GET", peers[0].url).headers["Location"] == "http://[nonsense"


def test_trail_is_passed_on(client: HttpClient, peers: list[Peer]) -> None:
    peers.append(Peer())
    token = follow(RequestContext("correlation-1", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
    try:
        client.request("GET", peers[0].url, headers={"X-Own": "1"})
    finally:
        leave(token)
    for line in (b"X-Correlation-Id: correlation-1", b"Traceparent: 00-aaaa", b"X-Own: 1"):
        assert line in peers[0].got


def test_proxies_and_passwords_of_the_environment_are_ignored(
    client: HttpClient, peers: list[Peer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers.append(Peer())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client.request("GET", peers[0].url)
    assert b"Authorization" not in peers[0].got


def test_one_call_may_have_its_own_time_limits(client: HttpClient, peers: list[Peer]) -> None:
    peers.append(Peer(b"", then=lambda sock: (time.sleep(0.6), sock.sendall(OK))[1]))
    answer = client.request("GET", peers[0].url, timeouts=Timeouts(read_s=5))
    assert answer.content == b"ok"


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of nobody's that names 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return path


class TlsPeer(Peer):
    """The same over TLS; after the request it sends `raw` past the encryption."""

    certificate: Path

    def answer(self, sock: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        with context.wrap_socket(sock, server_side=True) as secured:
            self.got = secured.recv(65536)
            socket.socket.sendall(secured, self.raw)


@pytest.fixture
def tls_peer(peers: list[Peer], certificate: Path) -> TlsPeer:
    TlsPeer.certificate = certificate
    peer = TlsPeer(b"this is no TLS record" * 10)
    peers.append(peer)
    return peer


def test_certificate_that_nobody_vouches_for_is_not_sent(
    client: HttpClient, tls_peer: TlsPeer
) -> None:
    with pytest.raises(NotSent):
        client.request("POST", f"https://{tls_peer.address}/x")
    assert tls_peer.got == b""


def test_outcome_is_unknown_when_encryption_breaks_after_the_request(
    client: HttpClient, tls_peer: TlsPeer
) -> None:
    with pytest.raises(OutcomeUnknown):
        client.request("POST", f"https://{tls_peer.address}/x", verify=str(TlsPeer.certificate))
    assert tls_peer.got.startswith(b"POST /x")
