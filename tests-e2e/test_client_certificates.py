"""A certificate stands for a client's secret: over TLS, checked by nginx, not claimed by others."""

from pathlib import Path
from urllib.parse import quote

import local_authority
import pytest
import requests
from certificates import ClientAuthority, fingerprint
from hub import unique
from nginx_alone import nginx
from ports import unused_ports

#: The hub's processes that nginx leads to, by its placeholders.
BEHIND = {
    "KIUNGO_PROXY": "PROXY_PORT",
    "KIUNGO_PROXY_GATEWAY": "PROXY_GATEWAY_PORT",
    "KIUNGO_ESB_RELAY": "ESB_RELAY_PORT",
    "KIUNGO_ESB_RELAY_GATEWAY": "ESB_RELAY_GATEWAY_PORT",
    "KIUNGO_NOTIFICATION": "NOTIFICATION_PORT",
    "KIUNGO_POLICY_NOTIFY": "POLICY_NOTIFY_PORT",
}
SUBJECT = "CN=clinic 7,O=Ministry of Health,C=TZ"
HEADER = "X-Kiungo-Client-Certificate"


class Edge:
    """nginx with TLS in front of the hub."""

    def __init__(self, folder: Path, port: int, authority: ClientAuthority) -> None:
        self.url = f"https://localhost:{port}"
        self.authority = authority
        self._trusted = str(local_authority.certificate(folder))

    def ask(self, method: str, path: str, certificate: Path | None = None, **options):
        with requests.Session() as session:
            session.trust_env = False
            session.cert = certificate and str(certificate)
            return session.request(
                method, self.url + path, verify=self._trusted, timeout=20, **options
            )


@pytest.fixture(scope="module")
def edge(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge")
    port, authority = unused_ports(1)[0], ClientAuthority(folder)
    ports = hub.stack.installation.ports
    given = {
        **local_authority.variables(folder),
        "KIUNGO_TLS_LISTEN": f"127.0.0.1:{port}",
        "KIUNGO_TLS_CLIENT_CA": str(authority.path),
    }
    with nginx(folder, {name: ports[port] for name, port in BEHIND.items()}, **given):
        yield Edge(folder, port, authority)


@pytest.fixture(scope="module")
def bound(hub, edge):
    """A client that is bound by fingerprint to one certificate and by subject to another."""
    by_fingerprint = edge.authority.certificate("CN=by fingerprint")
    by_subject = edge.authority.certificate(SUBJECT)
    name = unique("bound")
    made = hub.api(
        "POST",
        "clients/",
        201,
        json={
            "name": name,
            "client_id": name,
            "scopes": ["proxy:read"],
            "certificates": [fingerprint(by_fingerprint), SUBJECT.replace(",", ", ")],
        },
    )
    hub.in_force()
    return {**made, "fingerprint": by_fingerprint, "subject": by_subject}


@pytest.mark.parametrize("by", ["fingerprint", "subject"])
def test_certificate_makes_the_call_its_clients(hub, edge, bound, base, mediator, by):
    called = edge.ask("POST", base, bound[by], data=b"x")
    assert called.status_code == 200
    kept = hub.transaction(called.headers["X-Correlation-Id"])
    assert kept["client"] == bound["client_id"]
    assert HEADER.lower() not in {name.lower() for name in kept["request_headers"]}
    assert mediator.to(base)[-1].header(HEADER) == []


def test_certificate_opens_apis_and_gets_tokens(edge, bound):
    assert edge.ask("GET", "/api/proxy/channels/", bound["subject"]).status_code == 200
    assert edge.ask("GET", "/api/esb/keys/", bound["subject"]).status_code == 403
    grant = {"grant_type": "client_credentials", "client_id": bound["client_id"]}
    token = edge.ask("POST", "/oauth/token", bound["fingerprint"], data=grant).json()
    assert token["scope"] == "proxy:read"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert edge.ask("GET", "/api/proxy/channels/", headers=headers).status_code == 200
    other = {**grant, "client_id": "demo"}
    assert edge.ask("POST", "/oauth/token", bound["fingerprint"], data=other).status_code == 401


def test_certificate_of_nobody_is_refused(edge, base, tmp_path):
    stranger = edge.authority.certificate("CN=stranger")
    refused = edge.ask("GET", base, stranger)
    assert (refused.status_code, refused.json()["error"]) == (
        403,
        "No active client has this certificate",
    )
    assert edge.ask("GET", "/api/proxy/channels/", stranger).status_code == 401
    assert edge.ask("GET", base).status_code == 401
    foreign = ClientAuthority(tmp_path).certificate(SUBJECT)
    assert edge.ask("GET", base, foreign).status_code == 400


def test_header_that_a_caller_sends_is_nobodys_certificate(hub, edge, bound, base):
    pem = bound["subject"].read_text()
    claimed = {HEADER: quote(pem[pem.index("-----BEGIN CERT") :])}
    for path in (base, "/api/proxy/channels/"):
        assert edge.ask("GET", path, headers=claimed).status_code == 401
        assert requests.get(hub.url + path, headers=claimed, timeout=10).status_code == 401
    stranger = edge.authority.certificate("CN=another stranger")
    assert edge.ask("GET", base, stranger, headers=claimed).status_code == 403
    grant = {"grant_type": "client_credentials"}
    assert edge.ask("POST", "/oauth/token", data=grant, headers=claimed).status_code == 401


def test_certificate_that_is_taken_away_ends_within_a_second(hub, edge, bound, base):
    changes = {"certificates": [SUBJECT]}
    hub.api("PATCH", f"clients/{bound['id']}/", 200, json=changes)
    hub.in_force()
    for _ in range(10):
        assert edge.ask("GET", base, bound["fingerprint"]).status_code == 403
    assert edge.ask("GET", base, bound["subject"]).status_code == 200
