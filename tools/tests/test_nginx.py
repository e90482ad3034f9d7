"""What nginx does with a call, shown with a simulator behind it that answers with what it got."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from nginx_alone import BULK_BYTES, ask, nginx, problem, simulator
from ports import unused_ports

DOCUMENTS = {
    "swagger/": "text/html; charset=utf-8",
    "index.css": "text/css; charset=utf-8",
    "swagger.js": "text/javascript; charset=utf-8",
    "openapi.json": "application/json",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """nginx without an ESB relay, and with a policy notification that is down."""
    with simulator() as behind:
        services = {
            "KIUNGO_PROXY": behind,
            "KIUNGO_PROXY_GATEWAY": behind,
            "KIUNGO_ESB_RELAY": 1,
            "KIUNGO_ESB_RELAY_GATEWAY": 1,
            "KIUNGO_NOTIFICATION": behind,
            "KIUNGO_POLICY_NOTIFY": unused_ports(1)[0],
        }
        with nginx(folder, services) as port:
            yield port


def arrived(port: int, path: str, **headers: str) -> tuple[str, dict[str, str]]:
    """What the simulator got: the path as it stood in the request, and the headers."""
    seen = json.loads(ask(port, path, **headers)[1])
    return seen["path"], {name.lower(): value for name, value in seen["headers"]}


@pytest.mark.parametrize(
    "path",
    ["/a//b", "/%C3%A9t%C3%A9/x%20y?q=a%20b&q=%2B", "/a%2Fb/../c", "/api/notification/a%2Fb?x=1"],
)
def test_path_and_query_arrive_as_they_were_sent(port: int, path: str) -> None:
    assert arrived(port, path)[0] == path


def test_what_a_client_claims_about_its_origin_is_overwritten(port: int) -> None:
    _, headers = arrived(
        port,
        "/x",
        X_Forwarded_For="10.1.2.3",
        X_Forwarded_Host="evil.example",
        X_Forwarded_Proto="https",
        X_Real_IP="10.1.2.3",
        Forwarded="for=10.1.2.3",
    )
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == headers["host"] == f"127.0.0.1:{port}"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert "forwarded" not in headers


def test_headers_named_by_connection_are_still_named(port: int) -> None:
    assert arrived(port, "/x", Connection="close, X-Hop", X_Hop="1")[1]["connection"] == (
        "close, X-Hop"
    )


@pytest.mark.parametrize("value", ["close", "keep-alive", "Keep-Alive, TE", "upgrade"])
def test_connection_of_the_client_is_not_the_connection_to_the_proxy(port: int, value: str) -> None:
    assert "connection" not in arrived(port, "/x", Connection=value)[1]


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "/%6Detrics", "/x/../metrics", "/metrics?a"),
        *("/readyz", "/readyz/", "/%72eadyz"),
    ],
)
def test_metrics_and_readiness_are_not_published(port: int, path: str) -> None:
    assert problem(ask(port, path))["status"] == 404


@pytest.mark.parametrize("path", ["/x", "/api/notification/x"])
def test_connections_to_the_services_are_used_again(port: int, path: str) -> None:
    peers = set()
    client = HTTPConnection("127.0.0.1", port, timeout=10)  # one worker of nginx
    for _ in range(3):
        client.request("GET", path)
        peers.add(json.loads(client.getresponse().read())["peer"])
    client.close()
    assert len(peers) == 1


def test_service_that_is_not_installed_is_503(port: int) -> None:
    api = ("/api/esb/relay/", "/api/esb/inbound/claims/", "/api/esb/keys/")
    for path in (*api, "/admin/esb/", "/api/docs/esb-relay/openapi.json"):
        assert "not part of this installation" in problem(ask(port, path))["detail"]


def test_service_that_is_down_is_502(port: int) -> None:
    for path in ("/api/policy-notification/x/", "/admin/policy-notification/"):
        assert problem(ask(port, path, Cookie="session=good"))["status"] == 502


CONSOLE = "/admin/notification/outbox/?status=failed"


def test_page_of_another_service_comes_with_the_proxys_pass(port: int) -> None:
    _, headers = arrived(port, CONSOLE, Cookie="session=good", X_Kiungo_Staff="forged")
    answer, _ = ask(port, CONSOLE, Cookie="session=good")

    assert headers["x-kiungo-staff"] == "the-pass"
    assert answer.headers.get_all("Set-Cookie") == ["session=new"]
    assert "X-Kiungo-Staff" not in answer.headers


def test_form_for_another_service_arrives_whole(port: int) -> None:
    answer = ask(port, CONSOLE, method="POST", body=b"x" * 100_000, Cookie="session=good")

    assert answer[1] == b"100000"


def test_stranger_is_sent_to_the_proxy(port: int) -> None:
    for cookie in ("", "session=over"):
        path, headers = arrived(port, CONSOLE, Cookie=cookie, X_Kiungo_Staff="forged")
        assert path == CONSOLE
        assert "x-kiungo-staff" not in headers


def test_no_page_is_shown_when_the_session_cannot_be_checked(port: int) -> None:
    assert problem(ask(port, CONSOLE, Cookie="session=broken"))["status"] == 500


def test_credentials_of_an_api_call_are_exchanged_for_a_token(port: int) -> None:
    _, headers = arrived(port, "/api/notification/x", Authorization="Basic right")
    assert headers["authorization"] == "Bearer exchanged"
    _, headers = arrived(port, "/api/notification/x", Authorization="Bearer good")
    assert headers["authorization"] == "Bearer good"
    assert arrived(port, "/x", Authorization="Basic right")[1]["authorization"] == "Basic right"


@pytest.mark.parametrize("status", ["401", "403", "429"])
def test_credentials_are_rejected_before_the_body_is_read(port: int, status: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(
            f"POST /api/notification/x HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n"
            f"Authorization: Bearer reject-{status}\r\n\r\n".encode()
        )
        said = client.recv(65536).decode()
    assert f"HTTP/1.1 {status} " in said
    assert "Retry-After: 7" in said
    assert f'"status":{status},"detail":"Too late"' in said


def test_services_verify_tokens_themselves_while_the_gateway_cannot(port: int) -> None:
    path, headers = arrived(port, "/api/notification/x?y=1", Authorization="Bearer broken")
    assert (path, headers["authorization"]) == ("/api/notification/x?y=1", "Bearer broken")


def test_who_sends_nothing_is_let_go(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        client.sendall(
            b"POST /api/notification/x HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
        )
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            while client.recv(65536):
                pass
    assert time.monotonic() - began < 13


def test_client_certificate_cannot_be_claimed(port: int) -> None:
    assert (
        "x-kiungo-client-certificate"
        not in arrived(port, "/x", X_Kiungo_Client_Certificate="forged")[1]
    )


def test_pass_cannot_be_claimed_anywhere(port: int) -> None:
    for path in ("/x", "/admin/", "/api/notification/"):
        _, headers = arrived(port, path, X_Kiungo_Staff="forged", X_Kiungo_Services="esb=x")
        assert "x-kiungo-staff" not in headers
        assert headers.get("x-kiungo-services", "") != "esb=x"


def test_console_is_told_which_services_are_installed(port: int) -> None:
    installed = arrived(port, "/admin/")[1]["x-kiungo-services"].split()

    assert installed[0] == "esb="
    assert installed[1].endswith("notification=notification")


def test_mediators_own_errors_pass(port: int) -> None:
    response, body = ask(port, "/trouble")
    assert (response.status, body) == (502, b"the mediator's own words")


def test_mediator_cannot_steer_nginx(port: int) -> None:
    assert ask(port, "/steer")[1] == b"mine"


def test_repeated_and_long_cookies_arrive(port: int) -> None:
    cookies = ask(port, "/cookies")[0].headers.get_all("Set-Cookie")
    assert cookies == ["a=1", "b=" + "2" * 20_000]


def test_large_bodies_pass_both_ways_without_temporary_files(port: int, folder: Path) -> None:
    assert len(ask(port, "/bulk")[1]) == BULK_BYTES
    assert ask(port, "/x", method="POST", body=b"x" * BULK_BYTES)[1] == str(BULK_BYTES).encode()
    temporary = [path for name in ("proxy", "client_body") for path in (folder / name).rglob("*")]
    assert temporary == []


def test_well_formed_correlation_id_is_kept_by_nginx(port: int) -> None:
    answer = ask(port, "/metrics", X_Correlation_Id="my-own-id-1")
    assert problem(answer)["correlation_id"] == "my-own-id-1"


def test_forged_correlation_id_is_replaced(port: int) -> None:
    answer = ask(port, "/metrics", X_Correlation_Id='","ok":true,"x":"')
    assert len(problem(answer)["correlation_id"]) == 32


def test_too_long_headers_and_lines_are_problems(port: int) -> None:
    assert problem(ask(port, "/x", X_Long="a" * 20_000))["status"] == 431
    assert problem(ask(port, "/" + "a" * 20_000))["status"] == 414


def test_garbage_is_a_problem(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /x HTTP/1.1\r\n\r\n")
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


def test_index_of_the_documents_is_a_page(port: int) -> None:
    for path in ("/api/docs/", "/api/docs"):
        response, body = ask(port, path)
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"/api/docs/proxy/swagger/" in body
    for name, kind in DOCUMENTS.items():
        assert ask(port, f"/api/docs/{name}")[0].headers["Content-Type"] == kind


def test_access_log_holds_no_query_and_no_path_of_a_call(port: int, folder: Path) -> None:
    ask(port, "/patients/very-secret")
    ask(port, "/health/?token=very-secret")
    log = folder / "access.log"
    deadline = time.monotonic() + 5
    while '"/health/"' not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert "very-secret" not in log.read_text()
    assert all(line["service"] == "nginx" for line in lines)
