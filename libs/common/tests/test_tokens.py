"""Bearer tokens: who is believed, and what each mistake is answered with."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from common.web.problems import register_problem_handlers
from common.web.tokens import AUDIENCE, ISSUER, TokenVerifier, require_scope
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask import Flask, g
from werkzeug.test import TestResponse

KEY = Ed25519PrivateKey.generate()
#: A good token's; times count from now.
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "clinic",
    "iat": 0,
    "exp": 900,
    "scope": "proxy:read proxy:admin",
}


@dataclass
class Keys:
    """The proxy's own key source in small: one key called `k1`."""

    asked: list[str] = field(default_factory=list)

    def find(self, kid: str) -> Ed25519PublicKey | None:
        self.asked.append(kid)
        return KEY.public_key() if kid == "k1" else None


Ask = Callable[..., TestResponse]


@pytest.fixture
def ask() -> Ask:
    """Asks a route that demands the scope `proxy:read`."""
    app = Flask(__name__)
    register_problem_handlers(app)
    app.extensions["kiungo-tokens"] = TokenVerifier(Keys())

    @app.get("/guarded")
    def guarded() -> dict[str, Any]:
        require_scope("proxy:read")
        return {"subject": g.identity.subject, "scopes": sorted(g.identity.scopes)}

    def get(authorization: str | None) -> TestResponse:
        headers = {} if authorization is None else {"Authorization": authorization}
        return app.test_client().get("/guarded", headers=headers)

    return get


def token(key: Any = KEY, algorithm: str = "EdDSA", kid: Any = "k1", **changes: Any) -> str:
    """A good token, but for `changes`; None leaves a claim out."""
    return jwt.encode(claims_of(**changes), key, algorithm=algorithm, headers={"kid": kid})


def claims_of(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    times = {name: now + given[name] for name in ("exp", "iat", "nbf") if _is_time(given, name)}
    return {**given, **times}


def _is_time(given: dict[str, Any], name: str) -> bool:
    return isinstance(given.get(name), int)


def by_hand(header: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    signed = _b64(header) + b"." + _b64(json.dumps(claims_of()).encode())
    return (signed + b"." + _b64(sign(signed))).decode()


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_good_token_tells_who_asks(ask: Ask, scheme: str) -> None:
    answer = ask(f"{scheme} {token()}")
    assert answer.get_json() == {"subject": "clinic", "scopes": ["proxy:admin", "proxy:read"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -5},  # within the leeway
        {"nbf": 5},
        {"iat": 5},
        {"aud": ["another", AUDIENCE]},
    ],
)
def test_clocks_may_differ_a_little(ask: Ask, changes: dict[str, Any]) -> None:
    assert ask(f"Bearer {token(**changes)}").status_code == 200


def with_secret_of_the_public_key() -> str:
    """The classic confusion: the public key's bytes as an HMAC secret."""
    pem = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = b'{"alg":"HS256","typ":"JWT","kid":"k1"}'
    return by_hand(header, lambda signed: hmac.digest(pem, signed, hashlib.sha256))


REFUSED: dict[str, Callable[[], str | None]] = {
    "no header": lambda: None,
    "another scheme": lambda: "Basic Y2xpbmljOng=",
    "no token": lambda: "Bearer",
    "blank token": lambda: "Bearer   ",
    "no JWT": lambda: "Bearer abc",
    "three parts of nothing": lambda: "Bearer a.b.c",
    "expired": lambda: f"Bearer {token(exp=-60)}",
    "not valid yet": lambda: f"Bearer {token(nbf=60)}",
    "another audience": lambda: f"Bearer {token(aud='kiungo-session')}",
    "another issuer": lambda: f"Bearer {token(iss='somebody')}",
    "no end": lambda: f"Bearer {token(exp=None)}",
    "no subject": lambda: f"Bearer {token(sub=None)}",
    "no audience": lambda: f"Bearer {token(aud=None)}",
    "no issuer": lambda: f"Bearer {token(iss=None)}",
    "end that is no time": lambda: f"Bearer {token(exp='tomorrow')}",
    "subject that is no text": lambda: f"Bearer {token(sub=7)}",
    "another key": lambda: f"Bearer {token(Ed25519PrivateKey.generate())}",
    "unknown kid": lambda: f"Bearer {token(kid='k2')}",
    "kid that is no text": lambda: "Bearer " + by_hand(b'{"alg":"EdDSA","kid":["k1"]}', KEY.sign),
    "no kid": lambda: "Bearer " + by_hand(b'{"alg":"EdDSA"}', KEY.sign),
    "algorithm none": lambda: (
        "Bearer " + by_hand(b'{"alg":"none","kid":"k1"}', lambda _signed: b"")
    ),
    "algorithm HS256 with the public key": lambda: f"Bearer {with_secret_of_the_public_key()}",
    "algorithm ES256": lambda: f"Bearer {token(generate_private_key(SECP256R1()), 'ES256')}",
    "signature cut off": lambda: f"Bearer {token().rpartition('.')[0]}.",
    "header nested beyond reason": lambda: "Bearer " + by_hand(b"[" * 5_000, KEY.sign),
    "header that is no object": lambda: "Bearer " + by_hand(b'"EdDSA"', KEY.sign),
    "letters outside of ASCII": lambda: "Bearer é.é.é",
}


@pytest.mark.parametrize("authorization", REFUSED.values(), ids=REFUSED.keys())
def test_caller_without_a_valid_token_is_401(
    ask: Ask, authorization: Callable[[], str | None]
) -> None:
    answer = ask(authorization())
    assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (401, "Bearer")
    assert answer.get_json()["ok"] is False


@pytest.mark.parametrize(
    "scope", ["", "proxy:admin", "proxy:reader", "PROXY:READ", None, ["proxy:read"], 7]
)
def test_caller_without_the_scope_is_403(ask: Ask, scope: Any) -> None:
    answer = ask(f"Bearer {token(scope=scope)}")
    assert answer.status_code == 403
    assert answer.get_json()["detail"] == "The token lacks the scope proxy:read"


def test_audience_of_a_session_is_asked_for_by_name() -> None:
    verifier = TokenVerifier(Keys())
    claims = verifier.claims(token(aud="kiungo-session"), audience="kiungo-session")
    assert claims["sub"] == "clinic"
