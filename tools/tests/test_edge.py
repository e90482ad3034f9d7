"""TLS at the edge, and whose word about a client's address and scheme counts."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import local_authority
import pytest
from nginx_alone import arrived_at, ask, nginx, simulator
from nginx_conf import write_edge
from ports import unused_ports
from proxy.config import path_masks
from proxy.record import masks

NAMES = (
    "KIUNGO_PROXY",
    "KIUNGO_PROXY_GATEWAY",
    "KIUNGO_ESB_RELAY",
    "KIUNGO_ESB_RELAY_GATEWAY",
    "KIUNGO_NOTIFICATION",
    "KIUNGO_POLICY_NOTIFY",
)


@pytest.fixture(scope="module")
def behind() -> Iterator[dict[str, int]]:
    with simulator() as port:
        yield dict.fromkeys(NAMES, port)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def tls_port() -> int:
    return unused_ports(1)[0]


@pytest.fixture(scope="module")
def port(folder: Path, tls_port: int, behind: dict[str, int]) -> Iterator[int]:
    listens = {"KIUNGO_TLS_LISTEN": f"127.0.0.1:{tls_port}"}
    made = local_authority.variables(folder)
    for path in made.values():
        os.utime(path, (0, 0))  # nginx tells another file by the second
    with nginx(folder, behind, **made, **listens) as port:
        yield port


def over_tls(folder: Path, tls_port: int, path: str, **sent: str) -> tuple[dict[str, str], bytes]:
    trusted = ssl.create_default_context(cafile=str(local_authority.certificate(folder)))
    connection = HTTPSConnection("localhost", tls_port, context=trusted, timeout=10)
    try:
        connection.request("GET", path, headers=sent)
        response = connection.getresponse()
        return {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/x", "/api/docs/", "/nothing/here"])
def test_every_answer_asks_for_https_from_now_on(
    port: int, folder: Path, tls_port: int, path: str
) -> None:
    headers, _ = over_tls(folder, tls_port, path)
    assert headers["strict-transport-security"].startswith("max-age=31536000")


def test_services_learn_the_scheme(port: int, folder: Path, tls_port: int) -> None:
    seen = json.loads(over_tls(folder, tls_port, "/x")[1])
    assert dict(seen["headers"])["X-Forwarded-Proto"] == "https"


def test_http_leads_to_https(port: int, tls_port: int) -> None:
    response, _ = ask(port, "/a%2Fb?c=d")
    assert response.status == 308
    assert response.headers["Location"] == f"https://127.0.0.1:{tls_port}/a%2Fb?c=d"


def test_old_protocols_are_not_spoken(port: int, folder: Path, tls_port: int) -> None:
    old = ssl.create_default_context(cafile=str(local_authority.certificate(folder)))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", tls_port), timeout=5) as client,
        pytest.raises(OSError, match=r"(?i)protocol|alert"),
    ):
        old.wrap_socket(client, server_hostname="localhost")


def test_certificate_that_was_replaced_is_served(port: int, folder: Path, tls_port: int) -> None:
    before = _served(folder, tls_port)
    local_authority.certificate(folder).unlink()
    local_authority.variables(folder)
    _wait_until(lambda: _served(folder, tls_port) != before)


def test_word_of_a_trusted_balancer_counts(tmp_path: Path, behind: dict[str, int]) -> None:
    with nginx(tmp_path, behind, KIUNGO_TRUSTED_BALANCERS="10.0.0.0/8, 127.0.0.1") as port:
        claimed = {"X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "https"}
        headers = arrived_at(port, "/x", **claimed)
        assert headers["x-forwarded-for"] == "203.0.113.7"
        assert headers["x-forwarded-proto"] == "https"
        assert "max-age" in ask(port, "/x", **claimed)[0].headers["Strict-Transport-Security"]


@pytest.fixture(scope="module")
def with_console(tmp_path_factory: pytest.TempPathFactory, behind: dict[str, int]) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("console")
    with nginx(folder, behind, KIUNGO_CONSOLE_HOST="console.hub.example") as port:
        yield port


@pytest.mark.parametrize(
    ("host", "path", "how", "status"),
    [
        ("hub.example", "/n/results/1", "", 200),
        ("hub.example", "/admin/", "document", 404),
        ("hub.example", "/admin/esb/keys/", "", 404),
        ("hub.example", "/%61dmin/", "", 404),
        ("hub.example", "/x/../admin/login/", "", 404),
        ("console.hub.example", "/admin/login/", "document", 200),
        ("CONSOLE.hub.example:8080", "/admin/mediator/static/live.js", "script", 200),
        ("console.hub.example", "/", "document", 200),
        ("console.hub.example", "/n/results/1", "document", 404),
        ("console.hub.example", "/n/results/1", "script", 404),
        ("console.hub.example", "/n/results/1", "serviceworker", 404),
        ("console.hub.example", "/n/results/1", "", 404),
        ("console.hub.example", "/n/results/1", "empty", 200),
        ("consolexhub.example", "/admin/", "", 404),
    ],
)
def test_console_is_at_its_host_and_channels_are_not(
    with_console: int, host: str, path: str, how: str, status: int
) -> None:
    sent = {"Sec-Fetch-Dest": how} if how else {}
    assert ask(with_console, path, Host=host, **sent)[0].status == status


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"KIUNGO_CONSOLE_HOST": "a b;"}, "no host name"),
        ({"KIUNGO_MASKED_PATHS": "/a/*; }"}, "no list of paths"),
        ({"KIUNGO_TLS_CERT": "/x"}, "KIUNGO_TLS_KEY is not"),
        ({"KIUNGO_TLS_KEY": "/x"}, "KIUNGO_TLS_CERT is not"),
        ({"KIUNGO_TLS_CERT": "/nowhere", "KIUNGO_TLS_KEY": "/nowhere"}, "/nowhere cannot be read"),
    ],
)
def test_half_of_the_settings_of_tls_is_refused(
    tmp_path: Path, given: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        write_edge({"KIUNGO_LISTEN": "8080", "KIUNGO_RUN_DIR": str(tmp_path), **given})


def _served(folder: Path, tls_port: int) -> bytes:
    """The certificate that a new connection gets, whoever signed it."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", tls_port), timeout=5) as client,
        anybody.wrap_socket(client) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def _wait_until(done: Callable[[], bool], within_s: float = 25.0) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.5)


OPENHIM_SETTINGS = ("KIUNGO_OPENHIM_LISTEN", "KIUNGO_OPENHIM_TLS_CERT", "KIUNGO_OPENHIM_TLS_KEY")


@pytest.fixture(scope="module")
def openhims_port(folder: Path, behind: dict[str, int], tmp_path_factory: Any) -> Iterator[int]:
    """nginx without TLS but for OpenHIM's port."""
    made = local_authority.variables(folder)
    number = unused_ports(1)[0]
    given = (f"127.0.0.1:{number}", made["KIUNGO_TLS_CERT"], made["KIUNGO_TLS_KEY"])
    settings = dict(zip(OPENHIM_SETTINGS, given, strict=True))
    with nginx(tmp_path_factory.mktemp("openhim"), behind, **settings):
        yield number


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("/mediators/urn:mediator:x/heartbeat?a=b", None),
        ("/", None),
        ("/api/proxy/clients/", None),
        ("/demo/echo", None),
        ("/admin/", None),
        ("/metrics", None),
        ("/api/openhim/channels", "/api/openhim/channels"),
    ],
)
def test_openhims_port_leads_to_openhims_addresses_only(
    openhims_port: int, folder: Path, path: str, arrives: str | None
) -> None:
    seen = json.loads(over_tls(folder, openhims_port, path)[1])
    assert seen["path"] == (arrives or f"/api/openhim{path}")


@pytest.mark.parametrize("path", ["/.kiungo/token", "/.kiungo/problem"])
def test_openhims_port_hides_what_is_nginx_own(openhims_port: int, folder: Path, path: str) -> None:
    assert json.loads(over_tls(folder, openhims_port, path)[1])["status"] == 404


def test_credentials_are_asked_about_at_openhims_port_too(openhims_port: int, folder: Path) -> None:
    right = over_tls(folder, openhims_port, "/channels", Authorization="Basic right")[1]
    wrong = over_tls(folder, openhims_port, "/channels", Authorization="Bearer reject-403")[1]

    assert dict(json.loads(right)["headers"])["Authorization"] == "Bearer exchanged"
    assert json.loads(wrong)["detail"] == "Too late"


def test_openhims_port_is_not_served_in_clear(openhims_port: int) -> None:
    assert ask(openhims_port, "/heartbeat")[0].status >= 300


def test_openhims_port_needs_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="KIUNGO_OPENHIM_TLS_CERT"):
        write_edge(
            {
                "KIUNGO_LISTEN": "127.0.0.1:1",
                "KIUNGO_RUN_DIR": str(tmp_path),
                "KIUNGO_OPENHIM_LISTEN": "127.0.0.1:2",
            }
        )


MASKED = "/patients/*, /patients/*/visits/*"
#: Paths as they are sent, as the record has them, and as the access log has them.
LOGGED = [
    ("/patients/P-17", "/patients/***", "/patients/***"),
    ("/patients/P-17/", "/patients/***/", "/patients/***/"),
    ("/patients/P-17/notes/4?key=1", "/patients/***/notes/4", "/patients/***/***"),
    ("/patients/P-17/visits/9/x", "/patients/***/visits/***/x", "/patients/***/visits/***/***"),
    ("/p%61tients/P-17", "/patients/***", "/patients/***"),
    ("//patients%2FP-17", "/patients/***", "/patients/***"),
    ("/%50atients/P-17", "/%50atients/P-17", "/***"),
    ("/patients/", "/patients/", "/***"),
    ("/patients2/P-17", "/patients2/P-17", "/***"),
    ("/x/patients/P-17", "/x/patients/P-17", "/***"),
    ("/", "/", "/"),
    ("/admin", "/admin", "/admin"),
    ("/health/", "/health/", "/health/"),
    ("/apiary/P-17", "/apiary/P-17", "/***"),
    ("/admin/../patients/P-17", "/admin/../patients/P-17", "/***"),
]


def test_access_log_names_nobody_whom_an_api_of_ours_is_asked_about(
    tmp_path: Path, behind: dict[str, int]
) -> None:
    at = "/api/notification"
    with nginx(tmp_path, behind) as port:
        for sent in (
            "inbox/P-17/",
            "preferences/PATIENT/P%2D17/",
            "unsubscribe/P-17/",
            "outbox/7/",
        ):
            ask(port, f"{at}/{sent}")
    lines = (tmp_path / "access.log").read_text().splitlines()

    shown = ["inbox/***/", "outbox/7/", "preferences/***/***/", "unsubscribe/***/"]
    assert sorted(json.loads(line)["path"] for line in lines) == [f"{at}/{one}" for one in shown]


def test_access_log_says_own_paths_and_those_that_are_set_with_masks(
    tmp_path: Path, behind: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masks, "_paths", [])
    masks.add((), (), path_masks(MASKED))
    with nginx(tmp_path, behind, KIUNGO_MASKED_PATHS=MASKED) as port:
        for sent, *_ in LOGGED:
            ask(port, sent)
    lines = (tmp_path / "access.log").read_text().splitlines()

    said = [one for *_, one in LOGGED]
    assert sorted(json.loads(line)["path"] for line in lines) == sorted(said)
    kept = [one for _, one, _ in LOGGED]
    assert [masks.masked_path(sent.partition("?")[0]) for sent, *_ in LOGGED] == kept
