"""Another provider: who it says comes in, in the role it says; what does not fit lets nobody in."""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from common.console.staff import StaffRole
from common.outbound import OutboundRules, rules
from common.settings import SettingError
from cryptography.hazmat.primitives.asymmetric import rsa
from one_database import on_one_database
from proxy.access.openid import OpenIdClient, role_of
from proxy.config import OpenIdProvider, Settings, roles_by_value
from proxy.container import Container
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

BEGIN, BACK = "/admin/login/openid/", "/admin/login/openid/back/"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
ROLES = {"admins": StaffRole.ADMIN, "staff": StaffRole.VIEWER}


@dataclass
class Provider:
    """A provider on loopback that says what it is told to."""

    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "groups": ["staff"]})
    said: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = KEY
    issuer: str = ""
    nonce: str = ""
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def answer(self, environ: Any, start: Any) -> Any:
        """One of a provider's documents."""
        request = Request(environ)
        said = getattr(self, request.path.strip("/.").replace("/", "_").replace("-", "_"))(request)
        return Response(json.dumps(said), mimetype="application/json")(environ, start)

    def well_known_openid_configuration(self, _request: Request) -> dict[str, Any]:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        return {"issuer": self.issuer, **{one: f"{self.issuer}/{one}" for one in names}}

    def jwks_uri(self, _request: Request) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]}

    def token_endpoint(self, request: Request) -> dict[str, Any]:
        self.asked.append(parse_qs(request.get_data(as_text=True)))
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": self.claims["sub"], "aud": "kiungo", "iat": now}
        claims = {**usual, "exp": now + 60, "nonce": self.nonce, **self.said}
        signed = jwt.encode(claims, self.key, "RS256", headers={"kid": "1"})
        return {"id_token": signed, "access_token": "opaque"}

    def userinfo_endpoint(self, request: Request) -> dict[str, Any]:
        assert request.headers["Authorization"] == "Bearer opaque"
        return self.claims


@pytest.fixture
def provider(app: Any, container: Container, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The installation's provider."""
    said = Provider()
    server = make_server("127.0.0.1", 0, said.answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    said.issuer = f"http://127.0.0.1:{server.port}"
    use(app, container, monkeypatch, said, OutboundRules())
    yield said
    server.shutdown()
    thread.join()
    server.server_close()


def use(app: Any, container: Any, monkeypatch: Any, said: Provider, bound: OutboundRules) -> None:
    settings = replace(
        container.settings,
        oidc_issuer=said.issuer,
        oidc_client_id="kiungo",
        oidc_client_secret="s p/",
        oidc_roles=tuple(ROLES.items()),
    )
    client = OpenIdClient(settings.openid or OpenIdProvider(*[""] * 7), bound)
    changed = replace(container, settings=settings, openid=client)
    monkeypatch.setitem(app.extensions, "proxy", changed)


def come_back(browser: Any, provider: Provider, **changes: str) -> Any:
    """Go to the provider and back, with what it sends along, but for `changes`."""
    sent = urlsplit(browser.get(BEGIN).headers["Location"])
    query = {name: values[0] for name, values in parse_qs(sent.query).items()}
    provider.nonce = query["nonce"]
    given = {"code": "c", "state": query["state"], "iss": provider.issuer, **changes}
    return browser.get(BACK, query_string=given)


@on_one_database()
def test_account_is_made_at_the_first_sign_in_and_its_role_follows(
    api: Any, browser: Any, provider: Provider
) -> None:
    api.made("staff", **api.a_member(username="chief", role="admin"))
    provider.claims |= {"preferred_username": "asha", "email": "asha@example.org"}
    assert come_back(browser, provider).headers["Location"] == "/admin/"
    assert (browser.claims["name"], browser.claims["role"]) == ("asha", "viewer")
    assert browser.claims["proof"] == "openid"
    (form,) = provider.asked
    assert form["code_verifier"][0] not in browser.get(BEGIN).headers["Location"]
    for groups, role in ((["staff", "admins"], "admin"), ("staff", "viewer")):
        provider.claims["groups"] = groups
        come_back(browser, provider)
        assert browser.claims["role"] == role
    found = {one["username"]: one["email"] for one in api.get("staff/").get_json()["data"]}
    assert found == {"chief": "", "asha": "asha@example.org"}

    browser.session = ""
    assert browser.sign_in("", username="asha").status_code == 403
    made = next(one for one in api.get("staff/").get_json()["data"] if one["username"] == "asha")
    api.patch(f"staff/{made['id']}/", {"is_active": False})
    assert come_back(browser, provider).status_code == 403
    assert browser.get().status_code == 303


@on_one_database()
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"aud": "another"}, 403),
        ({"iss": "http://127.0.0.1:1"}, 403),
        ({"exp": 1}, 403),
        ({"nonce": "another"}, 403),
        ({"azp": "another"}, 403),
        ({"sub": "8"}, 403),
        ({"sub": ""}, 403),
        ({"sub": "7", "groups": ["strangers"]}, 403),
        ({"sub": "7", "groups": {}}, 403),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value),
)
def test_what_does_not_fit_lets_nobody_in(
    browser: Any, provider: Provider, api: Any, said: dict[str, Any], status: int
) -> None:
    provider.said = said
    refused = come_back(browser, provider)
    assert refused.status_code == status
    assert browser.session is None
    assert api.get("staff/").get_json()["count"] == 0


@on_one_database()
def test_neither_do_another_key_another_state_nor_the_same_answer_again(
    browser: Any, provider: Provider
) -> None:
    assert come_back(browser, provider, state="another").status_code == 403
    assert come_back(browser, provider, iss="https://evil.example").status_code == 403
    provider.key = OTHER_KEY
    assert come_back(browser, provider).status_code == 403
    provider.key = KEY
    browser.get(BEGIN)
    ticket = browser.client.get_cookie("kiungo_openid", path="/admin/login").value
    said = jwt.decode(ticket, options={"verify_signature": False})["said"]["begun"]
    provider.nonce = said["nonce"]
    query = {"code": "c", "state": said["state"]}
    assert browser.get(BACK, query_string=query).status_code == 303
    browser.session = ""
    browser.client.set_cookie("kiungo_openid", ticket, path="/admin/login")
    assert browser.get(BACK, query_string=query).status_code == 401


@on_one_database()
def test_name_that_somebody_has_here_is_linked_by_its_owner_only(
    signed_in: Any, app: Any, container: Any, provider: Provider
) -> None:
    provider.claims["preferred_username"] = "amina"
    other = type(signed_in)(app.test_client(), container)
    refused = come_back(other, provider)
    assert (refused.status_code, other.session) == (403, None)

    sent = urlsplit(signed_in.get("/admin/account/openid/").headers["Location"])
    query = {name: values[0] for name, values in parse_qs(sent.query).items()}
    provider.nonce = query["nonce"]
    given = {"code": "c", "state": query["state"]}
    stolen = signed_in.client.get_cookie("kiungo_openid", path="/admin/login").value
    other.client.set_cookie("kiungo_openid", stolen, path="/admin/login")
    assert other.get(BACK, query_string=given).status_code == 401
    assert signed_in.get(BACK, query_string=given).headers["Location"] == "/admin/account/"
    assert come_back(other, provider).status_code == 303
    assert other.claims["name"] == "amina"


@on_one_database()
def test_last_administrator_stays_one(browser: Any, provider: Provider) -> None:
    provider.claims["groups"] = ["admins"]
    come_back(browser, provider)
    browser.session = ""
    provider.claims["groups"] = ["staff"]

    refused = come_back(browser, provider)

    assert refused.status_code == 409
    assert "last active administrator" in refused.text


@on_one_database()
def test_outage_and_outbound_rules_keep_nobody_from_passwords(
    app: Any, browser: Any, member: Any, provider: Provider, container: Any, monkeypatch: Any
) -> None:
    use(app, container, monkeypatch, provider, OutboundRules(deny=rules("127.0.0.0/8")))
    refused = browser.get(BEGIN)
    assert (refused.status_code, provider.asked) == (503, [])
    assert re.search("cannot be reached now", refused.text)
    assert browser.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("claims", "name", "role"),
    [
        ({"groups": ["staff", "admins"]}, "groups", "admin"),
        ({"groups": "staff"}, "groups", "viewer"),
        ({"realm_access": {"roles": ["staff"]}}, "realm_access.roles", "viewer"),
        ({"a.b": "staff", "a": {"b": "admins"}}, "a.b", "viewer"),
        ({"groups": [7, None, ["admins"]]}, "groups", None),
        ({"realm_access": "staff"}, "realm_access.roles", None),
        ({}, "groups", None),
    ],
)
def test_role_is_the_widest_that_the_claim_stands_for(
    claims: dict[str, Any], name: str, role: str | None
) -> None:
    assert role_of(claims, name, ROLES) == role
    everybody = {**ROLES, "*": StaffRole.OBSERVER}
    assert role_of(claims, name, everybody) == role or StaffRole.OBSERVER


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["clinic"], "clinic-staff"),
        (["lab", "clinic"], "clinic-staff"),
        (["clinic", "staff"], "viewer"),
        (["nobody"], "observer"),
    ],
)
def test_made_role_is_narrower_than_built_in_ones_that_are_named(
    groups: list[str], role: str
) -> None:
    said = '{"clinic": "custom:clinic-staff", "lab": "custom:lab", "staff": "viewer"}'
    roles = {**dict(roles_by_value(said)), "*": "observer"}
    assert role_of({"groups": groups}, "groups", roles) == role


@pytest.mark.parametrize(
    "environ",
    [
        {"OIDC_ISSUER": "http://sso.example.org"},
        {"OIDC_ISSUER": "https://sso.example.org"},
        {"OIDC_ISSUER": "https://sso.example.org", "OIDC_CLIENT_ID": "k"},
        {"OIDC_ROLES": "{"},
        {"OIDC_ROLES": '{"a": "root"}'},
        {"SECOND_FACTOR_ROLES": "admin,root"},
        {"CONSOLE_URL": "hub.example.org"},
        {"CONSOLE_URL": "https://hub.example.org/admin/"},
    ],
)
def test_half_a_setting_stops_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        Settings.read(environ)
