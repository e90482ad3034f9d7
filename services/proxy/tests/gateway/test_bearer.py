"""Bearer tokens stand for a secret on channels: our own, and those of issuers that are trusted."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from proxy.access import issuers as foreign
from proxy.config import Issuer, issuers
from proxy.container import Container

AUDIENCE = "kiungo-hub"
Ask = Callable[..., Any]


class LittleIssuer:
    """Publishes its keys on loopback, and signs tokens with them."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.keys = {"r": key, "e": _curve_key()}
        self.algorithms = {"r": "RS256", "e": "ES256"}
        self.published = ["r", "e"]
        self.fetched, self.status = 0, 200
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetched += 1
                body = issuer.jwks()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.name = f"http://127.0.0.1:{self._server.server_port}"

    def jwks(self) -> bytes:
        keys = []
        for kid in self.published:
            algorithm = jwt.get_algorithm_by_name(self.algorithms[kid])
            public = self.keys[kid].public_key()
            keys.append({**algorithm.to_jwk(public, as_dict=True), "kid": kid, "use": "sig"})
        return json.dumps({"keys": keys}).encode()

    def token(self, kid: str = "r", *, signed_by: Any = None, algorithm: str = "", **claims: Any):
        now = int(time.time())
        whole = {
            "iss": self.name,
            "aud": AUDIENCE,
            "azp": "clinic",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        given = {name: value for name, value in whole.items() if value is not None}
        key = self.keys[kid] if signed_by is None else signed_by
        headers = {"kid": kid}
        return jwt.encode(given, key, algorithm or self.algorithms[kid], headers=headers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


#: Made once: that takes longer than most tests here do.
_usual_key = cache(_rsa_key)


def _curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def issuer() -> Iterator[LittleIssuer]:
    started = LittleIssuer(_usual_key())
    yield started
    started.close()


@pytest.fixture
def ask(served_with: Any, issuer: LittleIssuer, api: Any, channel: dict[str, Any]) -> Iterator[Ask]:
    """Calls a channel whose mediator is away: 502 is let in. The issuer may name `outside`."""
    trusted = Issuer(issuer.name, f"{issuer.name}/keys", AUDIENCE, "azp", frozenset({"outside"}))
    served = served_with(token_issuers=(trusted,))
    api.made("clients", **api.a_client(roles=["outside"], scopes=["proxy:admin"]))
    api.made("clients", **api.a_client(client_id="inside"))

    def ask(token: str, path: str = "/patients/7") -> tuple[int, str]:
        answer = served.get(path, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json().get("error", "")

    return ask


LET_IN = 502


@pytest.mark.parametrize("kid", ["r", "e"])
def test_token_of_a_trusted_issuer_is_its_clients_secret(
    ask: Ask, issuer: LittleIssuer, kid: str
) -> None:
    tokens = [issuer.token(kid), issuer.token(kid, nbf=int(time.time())), issuer.token(kid)]
    assert [ask(token)[0] for token in tokens] == [LET_IN] * 3
    assert issuer.fetched == 1


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "not valid"),
        ({"nbf": 9_999_999_999}, "not valid"),
        ({"aud": "another"}, "not valid"),
        ({"aud": None}, "not valid"),
        ({"iss": "http://127.0.0.1:1"}, "not known here"),
        ({"azp": None}, "no claim azp"),
        ({"azp": ["clinic"]}, "no claim azp"),
        ({"azp": "nobody"}, "names no active client"),
        ({"azp": "inside"}, "names no active client"),
    ],
)
def test_token_that_says_something_else_is_rejected(
    ask: Ask, issuer: LittleIssuer, claims: dict[str, Any], reason: str
) -> None:
    status, said = ask(issuer.token(**claims))
    assert (status, reason in said) == (401, True), said


def test_forged_tokens_are_rejected(ask: Ask, issuer: LittleIssuer) -> None:
    other = LittleIssuer(_rsa_key())
    public = (
        issuer.keys["r"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    head, body, _signature = issuer.token("r").split(".")
    none = jwt.utils.base64url_encode(b'{"alg":"none","kid":"r"}').decode()
    as_secret = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"r"}').decode()
    mac = jwt.get_algorithm_by_name("HS256").sign(f"{as_secret}.{body}".encode(), public)
    forged = [
        issuer.token("r", signed_by=other.keys["r"]),
        issuer.token("e", signed_by=other.keys["e"]),
        issuer.token("r", algorithm="RS512"),
        f"{none}.{body}.",
        f"{head}.{body}.",
        f"{as_secret}.{body}.{jwt.utils.base64url_encode(mac).decode()}",
    ]
    other.close()
    assert [ask(token)[0] for token in forged] == [401] * len(forged)


@pytest.mark.parametrize("key", ["small", "encryption", "curve"])
def test_keys_that_must_not_sign_are_not_used(
    ask: Ask, issuer: LittleIssuer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    if key == "small":
        issuer.keys["r"] = rsa.generate_private_key(65537, 1024)
    elif key == "curve":
        issuer.keys["r"] = ec.generate_private_key(ec.SECP384R1())
        issuer.algorithms["r"] = "ES384"
    else:
        published = issuer.jwks().replace(b'"sig"', b'"enc"')
        monkeypatch.setattr(issuer, "jwks", lambda: published)
    with pytest.warns() if key == "small" else contextlib.nullcontext():
        token = issuer.token("r")
    assert ask(token) == (401, "The token is signed with an unknown key")


def test_key_that_is_withdrawn_ends_its_tokens(
    ask: Ask, issuer: LittleIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_AGE_S", "PAUSE_S", "REMEMBERED_S"):
        monkeypatch.setattr(foreign, name, 0.0)
    token = issuer.token("r")
    assert ask(token)[0] == LET_IN
    issuer.published = ["e"]
    assert ask(token) == (401, "The token is signed with an unknown key")


def test_keys_that_cannot_be_had_are_said_and_not_asked_for_again_at_once(
    ask: Ask, issuer: LittleIssuer
) -> None:
    issuer.status = 500
    said = [ask(issuer.token(jti=str(number))) for number in range(3)]
    assert said == [(503, "The keys of this token's issuer cannot be fetched now")] * 3
    assert issuer.fetched == 1


def test_our_own_token_is_its_clients_secret(ask: Ask, container: Container, api: Any) -> None:
    sign = container.signer.sign
    assert ask(sign("clinic", 900, scope=""))[0] == LET_IN
    assert ask(sign("clinic", 900, scope="proxy:channels"))[0] == LET_IN
    assert ask(sign("clinic", 900, scope="esb:relay"))[0] == 403
    assert ask(sign("nobody", 900, scope=""))[0] == 401
    assert ask(sign("clinic", 900, audience="another", scope=""))[0] == 401
    (made,) = [
        one for one in api.get("clients/").get_json()["data"] if one["client_id"] == "clinic"
    ]
    api.patch(f"clients/{made['id']}/", {"allowed_ips": ["203.0.113.9"]})
    assert ask(sign("clinic", 900, scope="")) == (403, "Client IP is not allowed")
    api.patch(f"clients/{made['id']}/", {"is_active": False})
    assert ask(sign("clinic", 900, scope=""))[0] == 401


def test_apis_take_what_an_issuer_says_too(
    served_with: Any, issuer: LittleIssuer, api: Any
) -> None:
    trusted = Issuer(issuer.name, f"{issuer.name}/keys", AUDIENCE, "azp", frozenset({"clinic"}))
    api.made("clients", **api.a_client(scopes=["proxy:read"]))
    served = served_with(token_issuers=(trusted,))
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    answer = served.get("/.kiungo/token/", headers=headers)
    claims = jwt.decode(answer.headers["X-Kiungo-Token"], options={"verify_signature": False})
    assert (answer.status_code, claims["sub"], claims["scope"]) == (204, "clinic", "proxy:read")
    headers = {"Authorization": f"Bearer {issuer.token(aud='another')}"}
    assert served.get("/.kiungo/token/", headers=headers).status_code == 401


GOOD = {
    "issuer": "https://id.example.go.tz",
    "jwks_url": "https://id.example.go.tz/keys",
    "audience": "kiungo",
    "claim": "azp",
    "allow": ["clinic"],
}


def test_issuers_are_read_from_a_setting() -> None:
    (one,) = issuers(json.dumps([GOOD]))
    assert (one.issuer, one.allow) == (GOOD["issuer"], {"clinic"})
    assert issuers("[]") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_url": "http://id.example.go.tz/keys"},
        {"jwks_url": "file:///keys"},
        {"allow": "clinic"},
        {"allow": [1]},
        {"claim": ""},
        {"audience": None},
        {"more": "x"},
    ],
)
def test_issuer_that_cannot_be_trusted_stops_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        issuers(json.dumps([{**GOOD, **changes}]))
