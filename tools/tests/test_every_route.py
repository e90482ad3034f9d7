"""Every route and page of every service: closed to strangers, and to whoever holds other rights."""

import importlib
import re
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from common.console.guard import Console
from common.console.rights import SIGNED_IN, Right, StaffRole
from common.console.staff import Staff
from common.web.api import Blueprint
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER, TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask import Flask
from proxy.access.scopes import SCOPES
from werkzeug.routing import Rule

SERVICES = ("proxy", "esb_relay", "notification", "policy_notify")
#: What is open to whoever asks, and why.
PUBLIC = {
    "/static/<path:filename>",  # nothing is in it
    "/livez",  # asked by the processes' supervisor, on their own ports
    "/readyz",
    "/metrics",
    "/",  # the addresses of the hub
    "/health/",
    "/favicon.ico",
    "/tester/",  # leads to a page of the console
    "/oauth/token",  # asks for credentials itself
    "/.well-known/jwks.json",  # public keys
    "/api/notification/receipts/<provider>/",  # asks for the provider's secret
    "/api/notification/mail-reports/",  # asks for the secret of bounces
    "/api/notification/unsubscribe/<string:token>/",  # the link itself is the proof
    "/api/openhim/heartbeat",  # names mediators and their uptimes, as OpenHIM does
    "/api/openhim/authenticate/<username>",  # the salt of a log-in
}
_READ, _ADMIN, _ACCOUNT = "proxy:read", "proxy:admin", "mediator:register"
_CHANNELS, _CLIENTS, _MEDIATORS = "proxy:channels", "proxy:clients", "proxy:mediators"
#: OpenHIM's addresses are in no document of ours: what opens each.
_OPENHIM = {
    ("mediators", "GET"): [_ACCOUNT, _READ, _MEDIATORS, _ADMIN],
    ("mediators", "POST"): [_ACCOUNT, _MEDIATORS, _ADMIN],
    ("mediators/<urn>", "GET"): [_ACCOUNT, _READ, _MEDIATORS, _ADMIN],
    ("mediators/<urn>", "DELETE"): [_MEDIATORS, _ADMIN],
    ("mediators/<urn>/heartbeat", "POST"): [
        *(_ACCOUNT, _MEDIATORS, _ADMIN, "mediator:heartbeat:{urn}"),
    ],
    ("mediators/<urn>/config", "PUT"): [_MEDIATORS, _ADMIN],
    ("mediators/<urn>/channels", "POST"): [_CHANNELS, _ADMIN],
    ("channels", "GET"): [_ACCOUNT, _READ, _CHANNELS, _ADMIN],
    ("channels", "POST"): [_CHANNELS, _ADMIN],
    ("channels/<record_id>", "GET"): [_ACCOUNT, _READ, _CHANNELS, _ADMIN],
    ("channels/<record_id>", "PUT"): [_CHANNELS, _ADMIN],
    ("channels/<record_id>", "DELETE"): [_CHANNELS, _ADMIN],
    ("clients", "GET"): [_READ, _CLIENTS, _ADMIN],
    ("clients", "POST"): [_CLIENTS, _ADMIN],
    ("clients/<record_id>", "GET"): [_READ, _CLIENTS, _ADMIN],
    ("clients/<record_id>", "PUT"): [_CLIENTS, _ADMIN],
    ("clients/<record_id>", "DELETE"): [_CLIENTS, _ADMIN],
    ("transactions", "GET"): [_READ, "proxy:transactions"],
    ("transactions/<record_id>", "GET"): [_ACCOUNT, _READ, "proxy:transactions:bodies"],
    ("transactions/<record_id>", "PUT"): [_ACCOUNT, _ADMIN],
    ("tasks", "GET"): [_READ, "proxy:transactions:rerun", _ADMIN],
    ("tasks", "POST"): ["proxy:transactions:rerun", _ADMIN],
    ("metadata", "GET"): [_ADMIN],
    ("metadata", "POST"): [_ADMIN],
    ("metadata/validate", "POST"): [_ADMIN],
}
_DOCUMENTS = "/api/docs/"
_PAGES = "/admin"
_EXAMPLES = {"uuid": str(uuid.UUID(int=0)), "string(length=16)": "0" * 16, "int": "1"}


class Issuer:
    """Signs tokens, and is the source of the key that verifies them."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def find(self, kid: str) -> Ed25519PublicKey | None:
        return self._key.public_key() if kid == "test" else None

    def token(self, *scopes: str) -> dict[str, str]:
        claims = {"sub": "tester", "scope": " ".join(scopes), "aud": AUDIENCE, "iss": ISSUER}
        whole = {**claims, "exp": int(time.time()) + 900}
        signed = jwt.encode(whole, self._key, ALGORITHM, headers={"kid": "test"})
        return {"Authorization": f"Bearer {signed}"}


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module", params=SERVICES)
def app(
    request: pytest.FixtureRequest, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Flask:
    """A service without tables: what is let in fails later, what is closed does not come so far."""
    name = request.param
    settings = importlib.import_module(f"{name}.config").Settings
    var_dir = tmp_path_factory.mktemp(name)
    made: Flask = importlib.import_module(f"{name}.app").create_app(
        settings(var_dir=var_dir, log_level="CRITICAL")
    )
    made.extensions["kiungo-tokens"] = TokenVerifier(issuer)
    return made


def path_of(rule: Rule) -> str:
    """An address that the rule takes."""

    def example(found: re.Match[str]) -> str:
        kind, _, _name = found.group(1).rpartition(":")
        if kind.startswith("any("):
            return kind.removeprefix("any(").rstrip(")").partition(",")[0]
        return _EXAMPLES.get(kind) or _EXAMPLES.get(kind.partition("(")[0], "x")

    return re.sub(r"<([^>]*)>", example, rule.rule)


def operations(app: Flask) -> list[tuple[str, str, str]]:
    """Rule, method and address of every operation that is no page."""
    return [
        (rule.rule, method, path_of(rule))
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith((_DOCUMENTS, _PAGES)) and rule.rule not in PUBLIC
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def documented(app: Flask) -> dict[tuple[str, str], list[str]]:
    """The scopes that each operation's document names, any of which is enough; by its address."""
    name = next(rule.rule for rule in app.url_map.iter_rules() if "openapi.json" in rule.rule)
    paths = app.test_client().get(name).get_json()["paths"]
    openhims = {
        ("/api/openhim/" + path.replace("<", "{").replace(">", "}"), method): names
        for (path, method), names in _OPENHIM.items()
    }
    return openhims | {
        (path, method.upper()): [
            scope for need in doc["security"] for scope in need.get("client_credentials", [])
        ]
        for path, methods in paths.items()
        for method, doc in methods.items()
        if isinstance(doc, dict) and "security" in doc
    }


def test_every_route_wants_a_token_and_one_of_its_scopes(app: Flask, issuer: Issuer) -> None:
    client = app.test_client()
    scopes_of = documented(app)
    walked = operations(app)
    for rule, method, path in walked:
        assert client.open(path, method=method).status_code == 401, (method, path)
        assert client.open(path, method=method, headers=issuer.token()).status_code == 403
        names = scopes_of[re.sub(r"<(?:[^>]*:)?([^>]*)>", r"{\1}", rule), method]
        assert names
        others = issuer.token(*(set(SCOPES) - set(names)), "mediator:heartbeat:another")
        assert client.open(path, method=method, headers=others).status_code == 403, (method, path)
        for name in names:
            enough = issuer.token(name.replace("{urn}", "x"))
            status = client.open(path, method=method, headers=enough).status_code
            assert status not in {401, 403}, (method, path, name)
    assert len(walked) > 10


@pytest.mark.parametrize("role", [None, *StaffRole, *Right])
def test_every_page_wants_its_right(app: Flask, role: str | None) -> None:
    """Strangers, the built-in roles, and roles of one right each."""
    rights = app.blueprints["console"].rights  # type: ignore[attr-defined]
    staff = role and member(role)
    settings = app.extensions["kiungo-console"].settings
    app.extensions["kiungo-console"] = Console(settings, lambda: staff)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        wanted = rights.get(rule.endpoint)
        if not rule.endpoint.startswith("console.") or (rule.endpoint in rights and not wanted):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            origin = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
            answer = client.open(path_of(rule), method=method, headers=origin)
            if not staff:
                assert answer.status_code in {303, 401}, (method, rule)
                assert "/admin/login/" in answer.headers["Location"]
            elif wanted is None or not (wanted == SIGNED_IN or wanted in staff.held):
                assert answer.status_code == 403, (method, rule)
            elif method == "POST":
                assert answer.status_code == 403, f"no form token: {rule}"


def member(role: str) -> Staff:
    """Somebody with a built-in role, or with one right."""
    rights = frozenset({Right(role)}) if role in set(Right) else None
    return Staff(staff_id=uuid.uuid4(), name="amina", role=role, csrf="csrf", rights=rights)


def test_route_without_a_scope_does_not_start() -> None:
    from common.web.api import register_api

    blp = Blueprint("open", __name__)

    @blp.route("/open/", methods=["GET"])
    @blp.response(200)
    def view() -> dict[str, Any]:
        """Answer."""
        return {}

    api = register_api(Flask("open"), "open", "Open", description="")
    with pytest.raises(TypeError, match=r"GET open\.view"):
        api.register_blueprint(blp)


def test_what_is_called_public_is_what_is_open() -> None:
    """A route that is marked as public without being on the list above is found."""
    found = set()
    for service in SERVICES:
        folder = Path(importlib.import_module(service).__file__ or "").parent
        for module in folder.glob("routes/*.py"):
            found |= set(re.findall(r'route\("([^"]+)"[^\n]*\)\n@blp\.public', module.read_text()))
    assert all(any(rule.endswith(end) for rule in PUBLIC) for end in found)
    assert found
