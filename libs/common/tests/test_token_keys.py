"""Public keys of the proxy, fetched and kept; this service's own token, fetched and renewed."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from common.errors import Unavailable
from common.http import HttpClient, Timeouts
from common.web.tokens import ClientCredentials, JwksKeys, public_keys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def jwk(kid: str, **changes: Any) -> dict[str, Any]:
    raw = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, **changes}


class Proxy(ThreadingHTTPServer):
    """Answers every request after `delay_s` with `status` and `document`; counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.document, self.delay_s = 200, b"{}", 0.0
        self.asked: list[tuple[str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def publish(self, *kids: str) -> None:
        self.document = json.dumps({"keys": [jwk(kid) for kid in kids]}).encode()


class _Answer(BaseHTTPRequestHandler):
    server: Proxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.headers.get("Authorization", ""), body))
        time.sleep(self.server.delay_s)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.document)))
        self.end_headers()
        self.wfile.write(self.server.document)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = Proxy()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    opened = HttpClient(Timeouts(connect_s=1, read_s=5))
    yield opened
    opened.close()


# --- keys


def test_keys_are_fetched_once(proxy: Proxy, client: HttpClient) -> None:
    proxy.publish("k1", "k2")
    keys = JwksKeys(proxy.url, client)
    assert keys.find("k1")
    assert keys.find("k2")
    assert len(proxy.asked) == 1


def test_unknown_key_is_looked_up_once_and_refused_for_a_while(
    proxy: Proxy, client: HttpClient
) -> None:
    proxy.publish("k1")
    keys = JwksKeys(proxy.url, client)
    assert [keys.find("k2") for _ in range(50)] == [None] * 50
    assert len(proxy.asked) == 1


def test_key_that_was_rotated_in_is_found_after_the_pause(proxy: Proxy, client: HttpClient) -> None:
    proxy.publish("k1")
    keys = JwksKeys(proxy.url, client, pause_s=0)
    assert keys.find("k1")
    proxy.publish("k1", "k2")
    assert keys.find("k2")
    assert len(proxy.asked) == 2


def test_key_that_was_taken_back_is_forgotten_when_the_copy_is_old(
    proxy: Proxy, client: HttpClient
) -> None:
    proxy.publish("k1")
    keys = JwksKeys(proxy.url, client, max_age_s=0, pause_s=0)
    assert keys.find("k1")
    proxy.publish("k2")
    assert keys.find("k1") is None


def test_those_who_wait_for_a_fetch_fail_with_it(proxy: Proxy, client: HttpClient) -> None:
    proxy.status, proxy.delay_s = 503, 0.5
    keys = JwksKeys(proxy.url, client)

    def find(_: int) -> str:
        with pytest.raises(Unavailable) as refused:
            keys.find("k1")
        return str(refused.value)

    began = time.monotonic()
    with ThreadPoolExecutor(10) as callers:
        assert set(callers.map(find, range(10))) == {"The token keys cannot be fetched now"}
    assert len(proxy.asked) == 1
    assert time.monotonic() - began < 4  # one after the other it is 5 s
    proxy.status, proxy.delay_s = 200, 0
    proxy.publish("k1")
    assert keys.find("k1")


def test_known_keys_serve_while_the_proxy_is_away(proxy: Proxy, client: HttpClient) -> None:
    proxy.publish("k1")
    keys = JwksKeys(proxy.url, client, max_age_s=0, pause_s=0)
    assert keys.find("k1")
    proxy.status = 503
    assert keys.find("k1")


@pytest.mark.parametrize(
    ("status", "document"), [(503, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"")]
)
def test_without_any_key_callers_are_told_to_come_later(
    proxy: Proxy, client: HttpClient, status: int, document: bytes
) -> None:
    proxy.status, proxy.document = status, document
    with pytest.raises(Unavailable):
        JwksKeys(proxy.url, client).find("k1")


def test_many_who_need_keys_at_once_fetch_them_once(proxy: Proxy, client: HttpClient) -> None:
    proxy.publish("k1")
    keys = JwksKeys(proxy.url, client)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find("k1"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert all(found)
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "entry",
    [
        jwk("k2", kty="EC"),
        jwk("k2", crv="X25519"),
        {**jwk("k2"), "kid": None},
        jwk("k2", x="too short"),
        jwk("k2", x=None),
        "no object",
    ],
)
def test_key_that_is_none_of_ours_is_left_out(entry: Any) -> None:
    assert set(public_keys({"keys": [entry, jwk("k1")]})) == {"k1"}


# --- this service's own token


class Clock:
    """Time that passes when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(proxy: Proxy, client: HttpClient, clock: Clock) -> ClientCredentials:
    proxy.document = b'{"access_token": "t1", "expires_in": 100}'
    return ClientCredentials(proxy.url, "relay", "s3cret", client, scope="a b", now=clock)


def test_own_token_is_fetched_with_the_credentials(proxy: Proxy, own: ClientCredentials) -> None:
    assert own.authorization() == {"Authorization": "Bearer t1"}
    basic = base64.b64encode(b"relay:s3cret").decode()
    assert proxy.asked == [(f"Basic {basic}", b"grant_type=client_credentials&scope=a+b")]


@pytest.mark.parametrize(("after_s", "fetches"), [(79, 1), (80, 2), (500, 2)])
def test_own_token_is_renewed_before_it_ends(
    proxy: Proxy, own: ClientCredentials, clock: Clock, after_s: float, fetches: int
) -> None:
    own.authorization()
    clock.now += after_s
    own.authorization()
    assert len(proxy.asked) == fetches


@pytest.mark.parametrize(
    ("status", "document"),
    [(401, b"{}"), (200, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"access_token": "t"}')],
)
def test_own_token_that_cannot_be_had_is_unavailable(
    proxy: Proxy, own: ClientCredentials, status: int, document: bytes
) -> None:
    proxy.status, proxy.document = status, document
    with pytest.raises(Unavailable):
        own.authorization()


def test_own_secret_does_not_show(own: ClientCredentials) -> None:
    own.authorization()
    assert "s3cret" not in repr(own)
    assert "t1" not in repr(own)
