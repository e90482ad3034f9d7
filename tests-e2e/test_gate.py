"""Who is let in, through nginx: tokens end with their clients, guessing ends soon, bodies wait."""

import contextlib
import socket
import threading
import time
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import pytest
import requests
from hub import unique
from raw_mediator import answer

SCOPES = ["proxy:read", "notification:read", "policy:read", "esb:admin"]
#: A read of each service that a token opens.
READS = (
    "/api/proxy/clients/",
    "/api/notification/lookups/",
    "/api/policy-notification/counts/",
    "/api/esb/keys/",
)


@pytest.fixture
def client(hub):
    name = unique("gate")
    made = hub.api(
        "POST", "clients/", 201, json={"name": name, "client_id": name, "scopes": SCOPES}
    )
    hub.in_force()
    return made


def token_of(hub, client) -> str:
    basic = (client["client_id"], client["client_secret"])
    got = requests.post(
        f"{hub.url}/oauth/token", auth=basic, data={"grant_type": "client_credentials"}, timeout=10
    )
    assert got.status_code == 200, got.text
    return got.json()["access_token"]


def statuses(hub, token: str) -> set[int]:
    headers = {"Authorization": f"Bearer {token}"}
    return {requests.get(hub.url + path, headers=headers, timeout=10).status_code for path in READS}


@pytest.mark.parametrize("end", ["deactivate", "delete", "narrow", "bind"])
def test_what_a_token_gave_ends_with_its_client_within_a_second(hub, client, end) -> None:
    token = token_of(hub, client)
    assert statuses(hub, token) == {200}
    address = f"clients/{client['id']}/"
    acts = {
        "deactivate": ("PATCH", {"is_active": False}, 401),
        "delete": ("DELETE", None, 401),
        "narrow": ("PATCH", {"scopes": SCOPES[:1]}, 403),
        "bind": ("PATCH", {"allowed_ips": ["203.0.113.9"]}, 403),
    }
    method, fields, status = acts[end]
    hub.api(method, address, json=fields)
    hub.in_force()
    time.sleep(1.0)  # the other services ask about a token again after a second at most
    for _ in range(25):
        assert statuses(hub, token) == {status}


def test_id_and_secret_open_every_api(hub, client) -> None:
    named = {"X-Client-Id": client["client_id"], "X-Client-Secret": client["client_secret"]}
    for path in READS:
        assert requests.get(hub.url + path, headers=named, timeout=10).status_code == 200, path
        basic = (client["client_id"], client["client_secret"])
        assert requests.get(hub.url + path, auth=basic, timeout=10).status_code == 200, path
        refused = requests.get(hub.url + path, auth=(client["client_id"], "wrong"), timeout=10)
        assert refused.status_code == 403, path
        assert refused.json()["error"] == "Invalid client credentials"


def test_body_without_credentials_is_not_taken(hub) -> None:
    address = urlsplit(hub.url)
    head = (
        "POST /api/notification/emit/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 60000000\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=5) as caller:
        caller.sendall(head.encode())
        assert caller.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_slow_bodies_without_credentials_are_let_go_within_seconds(hub) -> None:
    address = urlsplit(hub.url)
    head = b"POST /anything HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\na"
    with contextlib.ExitStack() as opened:
        callers = [
            opened.enter_context(socket.create_connection((address.hostname, address.port), 10))
            for _ in range(300)
        ]
        began = time.monotonic()
        for caller in callers:
            caller.sendall(head)
        for caller in callers:
            caller.settimeout(max(0.1, began + 15 - time.monotonic()))
            with contextlib.suppress(ConnectionResetError):
                while caller.recv(4096):
                    pass
        assert time.monotonic() - began < 15


class Guesser(threading.Thread):
    """Sends wrong secrets without a pause, from an address of its own."""

    def __init__(self, hub, path: str) -> None:
        super().__init__(daemon=True)
        self._url = urlsplit(hub.url)
        self._path = path
        self.ended = threading.Event()
        self.statuses: list[int] = []

    def run(self) -> None:
        connection = HTTPConnection(
            self._url.hostname, self._url.port, timeout=30, source_address=("127.0.0.2", 0)
        )
        for number in count():
            if self.ended.wait(0.005):
                break
            named = {"X-Client-Id": f"guessed-{number % 7}", "X-Client-Secret": f"{number}"}
            connection.request("GET", self._path, headers=named)
            refused = connection.getresponse()
            refused.read()
            self.statuses.append(refused.status)
        connection.close()


def test_guessing_is_held_up_and_delays_nobody(hub, base) -> None:
    # Each waits for an answer that is held back, before it guesses again.
    guessers = [Guesser(hub, base) for _ in range(16)]
    newcomers = [hub.new_client() for _ in range(20)]
    hub.in_force()
    for guesser in guessers:
        guesser.start()
    took = []
    try:
        for named in newcomers:
            began = time.monotonic()
            called = requests.get(hub.url + base, headers=named, timeout=30)
            took.append(time.monotonic() - began)
            assert called.status_code == 200
            time.sleep(0.1)
    finally:
        for guesser in guessers:
            guesser.ended.set()
        for guesser in guessers:
            guesser.join()
    statuses = [status for guesser in guessers for status in guesser.statuses]
    assert statuses.count(429) > 0.7 * len(statuses) > 50
    assert sorted(took)[len(took) // 2] < 0.3, (
        "a machine that is busy with tests delays single ones"
    )


def test_client_made_again_does_not_see_its_predecessors_calls(hub, base) -> None:
    name = unique("again")
    first = hub.api("POST", "clients/", 201, json={"name": name, "client_id": name})
    hub.in_force()
    named = {"X-Client-Id": name, "X-Client-Secret": first["client_secret"]}
    key = {"Idempotency-Key": unique("key")}
    call = requests.get(hub.url + base, headers={**named, **key}, timeout=10)
    state = f"{hub.url}/transactions/{call.headers['X-Correlation-Id']}/"
    assert requests.get(state, headers=named, timeout=10).status_code == 200
    hub.api("DELETE", f"clients/{first['id']}/")
    second = hub.api("POST", "clients/", 201, json={"name": name, "client_id": name})
    hub.in_force()
    named = {"X-Client-Id": name, "X-Client-Secret": second["client_secret"]}
    assert requests.get(state, headers=named, timeout=10).status_code == 404
    repeated = requests.get(hub.url + base, headers={**named, **key}, timeout=10)
    assert repeated.headers["X-Correlation-Id"] != call.headers["X-Correlation-Id"]


def test_answer_of_a_key_gives_no_cookie_again(hub, base, mediator) -> None:
    mediator.on(
        base,
        answer(
            b"ok",
            "200 OK",
            "Set-Cookie: theirs=1",
            "Set-Cookie: kiungo_session=x; Path=/admin",
            "Clear-Site-Data: *",
        ),
    )
    key = {"Idempotency-Key": unique("key")}
    first, again = (hub.call("POST", base, data=b"x", headers=key) for _ in range(2))
    assert (first.headers.get("Set-Cookie"), first.text) == ("theirs=1", "ok")
    assert "Clear-Site-Data" not in first.headers
    assert (again.headers.get("Set-Cookie"), again.text) == (None, "ok")
    assert again.headers["X-Correlation-Id"] == first.headers["X-Correlation-Id"]


def test_metadata_addresses_and_own_services_are_not_called(hub) -> None:
    relay = hub.stack.installation.ports["ESB_RELAY_PORT"]
    for place in ("http://169.254.169.254", f"http://127.0.0.1:{relay}"):
        path = f"/{unique('denied')}"
        hub.new_channel(path, hub.new_mediator(place)["id"])
        hub.in_force()
        refused = hub.call("GET", path)
        assert refused.status_code == 502
        assert "OUTBOUND_DENY" in refused.json()["error"]
