"""Which process nginx goes to with a path, and what it says of a gateway that is not there."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from nginx_alone import ask, nginx, problem, simulator
from ports import unused_ports
from proxy.registry.patterns import RESERVED_PATHS, is_reserved
from service_addresses import SERVICE_PORTS

PROXY, ESB_RELAY = "KIUNGO_PROXY", "KIUNGO_ESB_RELAY"
PROXY_GATEWAY, ESB_RELAY_GATEWAY = "KIUNGO_PROXY_GATEWAY", "KIUNGO_ESB_RELAY_GATEWAY"
NOTIFICATION, POLICY_NOTIFY = "KIUNGO_NOTIFICATION", "KIUNGO_POLICY_NOTIFY"

#: What the gateway answers itself although no channel may claim it.
OWN_PATHS = {"/integration/call", "/transactions/"}
ROUTES = {
    PROXY: (
        "/",
        "/admin",
        "/admin/mediator/transactions/",
        "/api/docs/proxy/openapi.json",
        "/api/proxy",
        "/api/proxy/channels/?a=b",
        "/api/openhim/mediators/urn:mediator:x/heartbeat",
        "/health",
        "/oauth/token/",
        "/%6Fauth/token",
        "/tester/",
    ),
    PROXY_GATEWAY: (
        "/demo/echo",
        "/integration/call",
        "/transactions/01a20447-5522-766b-946f-20a06aeb5d69/response/",
        "/administration",
        "/healthy",
        "/oauth/tokens",
        "/api/proxies/",
        "/api/other/",
        "/x/api/esb/relay/",
    ),
    ESB_RELAY_GATEWAY: (
        "/api/esb/relay/",
        "/api/esb/relay",
        "/api/esb/relay/?a=b",
        "/api/esb/inbound/claims",
        "/api/esb/inbound/claims/",
    ),
    ESB_RELAY: (
        "/admin/esb/",
        "/api/esb/",
        "/api/esb/keys/",
        "/api/esb/relays/",
        "/api/esb/async-response/",
        "/api/docs/esb-relay/openapi.json",
    ),
    NOTIFICATION: ("/api/notification/emit/", "/admin/notification/outbox/"),
    POLICY_NOTIFY: ("/api/policy-notification/runs/", "/api/docs/policy-notify/swagger/"),
}


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, int]]:
    with ExitStack() as opened:
        yield {name: opened.enter_context(simulator()) for name in SERVICE_PORTS}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, services: dict[str, int]) -> Iterator[int]:
    with nginx(tmp_path_factory.mktemp("nginx"), services) as port:
        yield port


def behind(port: int, path: str, services: dict[str, int]) -> str:
    """Whose simulator answered."""
    answered = json.loads(ask(port, path, Cookie="session=good")[1])["port"]
    return next(name for name, number in services.items() if number == answered)


@pytest.mark.parametrize(
    ("path", "service"), [(path, name) for name, paths in ROUTES.items() for path in paths]
)
def test_path_goes_to_the_process_that_serves_it(
    port: int, services: dict[str, int], path: str, service: str
) -> None:
    assert behind(port, path, services) == service


@pytest.mark.parametrize(
    "path", sorted({*RESERVED_PATHS} - {"/metrics", "/readyz", "/api/docs/", "/.kiungo/"})
)
def test_gateway_gets_no_reserved_path_but_its_own(
    port: int, services: dict[str, int], path: str
) -> None:
    assert (behind(port, path, services) == PROXY_GATEWAY) == (path in OWN_PATHS)


@pytest.mark.parametrize("path", ["/.kiungo/", "/.kiungo/token", "/.kiungo/token/", "/.kiungo/x"])
def test_what_nginx_asks_itself_nobody_else_can_ask(port: int, path: str) -> None:
    response, _ = ask(port, path)
    assert response.status == 404


@pytest.mark.parametrize("path", [*ROUTES[PROXY_GATEWAY][3:]])
def test_what_reaches_the_gateway_may_be_a_channels(path: str) -> None:
    assert not is_reserved(path)


def test_message_too_large_for_any_setting_is_a_problem(port: int) -> None:
    answer = ask(port, "/api/esb/relay/", method="POST", body=b"", Content_Length="70000000")
    assert problem(answer)["status"] == 413


@pytest.mark.parametrize(
    ("gateway", "path"), [(PROXY_GATEWAY, "/demo/echo"), (ESB_RELAY_GATEWAY, "/api/esb/relay/")]
)
class TestGatewayThatFails:
    def test_call_that_did_not_reach_it_was_not_sent(
        self, tmp_path: Path, services: dict[str, int], gateway: str, path: str
    ) -> None:
        with nginx(tmp_path, {**services, gateway: unused_ports(1)[0]}) as port:
            found = problem(ask(port, path))

        assert found["status"] == 502
        assert found["detail"] == "The gateway cannot be reached; the call was not sent"

    def test_outcome_is_unknown_when_it_breaks_off(
        self, tmp_path: Path, services: dict[str, int], gateway: str, path: str
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
            number = listener.getsockname()[1]
            with nginx(tmp_path, {**services, gateway: number}) as port:
                found = problem(ask(port, path))

        assert found["status"] == 502
        assert found["detail"].endswith("outcome unknown")

    def test_it_gets_a_body_while_the_body_still_comes(
        self, tmp_path: Path, services: dict[str, int], gateway: str, path: str
    ) -> None:
        """What nginx waits for in whole, it writes to a file."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(5)
            number = listener.getsockname()[1]
            with (
                nginx(tmp_path, {**services, gateway: number}) as port,
                socket.create_connection(("127.0.0.1", port)) as client,
            ):
                client.sendall(head.encode() + b"x" * 100_000)
                connection, _ = listener.accept()
                with connection:
                    assert connection.recv(1000).startswith(f"POST {path}".encode())


def hang_up(listener: socket.socket) -> None:
    """Read the beginning of a request, and close."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
