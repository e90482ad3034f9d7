"""Who is asking: access tokens (JWT, EdDSA) verified locally, and scopes on routes.

The proxy issues the tokens and publishes its public keys at `/.well-known/jwks.json`; every
service verifies with a cached copy. An unknown `kid` is looked up once, then refused for a while.
"""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import current_app, g, request

from common.errors import Forbidden, Unauthenticated, Unavailable
from common.http import HttpClient, OutboundError
from common.texts import _

ALGORITHM = "EdDSA"
AUDIENCE = "kiungo"
ISSUER = "kiungo-proxy"
#: Clocks of two machines may differ by this much.
LEEWAY_S = 10
#: A token that was verified is believed for this long without looking again, never past its end.
REMEMBERED_S = 30.0
MAX_REMEMBERED = 1_000
KEYS_AWAY = "The token keys cannot be fetched now"


@dataclass(frozen=True)
class Identity:
    """A caller whose token was verified."""

    subject: str
    scopes: frozenset[str] = frozenset()
    #: Seconds since 1970; 0 where the token does not say.
    issued_at: int = 0


class KeySource(Protocol):
    """Where public keys come from: the proxy's own files, or its JWKS document."""

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key called `kid`, or None. Raises Unavailable."""


def public_keys(jwks: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS document, by kid; others are left out. Raises ValueError."""
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS document")
    keys = ((entry, _public_key(entry)) for entry in entries)
    return {entry["kid"]: key for entry, key in keys if key is not None}


def _public_key(entry: Any) -> Ed25519PublicKey | None:
    if not isinstance(entry, dict) or (entry.get("kty"), entry.get("crv")) != ("OKP", "Ed25519"):
        return None
    if not isinstance(entry.get("kid"), str) or not isinstance(entry.get("x"), str):
        return None
    try:
        return cast(Ed25519PublicKey, jwt.PyJWK(entry, algorithm=ALGORITHM).key)
    except jwt.PyJWTError:
        return None


@dataclass
class JwksKeys:
    """Public keys fetched from `url`, kept for `max_age_s`, and asked again for an unknown kid."""

    url: str
    client: HttpClient
    max_age_s: float = 30.0
    #: Keys that nobody confirmed for so long are not believed any more.
    limit_s: float = 55.0
    pause_s: float = 5.0
    _keys: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    _fetched_at: float = float("-inf")
    _confirmed_at: float = float("-inf")
    _failed_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key called `kid`. Raises Unavailable when none are known and none can be had."""
        now = time.monotonic()
        age_s = now - self._fetched_at
        if age_s > self.max_age_s or (kid not in self._keys and age_s > self.pause_s):
            with self._lock:
                self._refresh(now)
        return self._keys.get(kid)

    def _refresh(self, since: float) -> None:
        """Fetch, unless another has; whoever waited while that failed has failed with it."""
        if time.monotonic() - self._fetched_at < self.pause_s:
            return
        if self._failed_at >= since:
            raise Unavailable(KEYS_AWAY)
        try:
            answer = self.client.request("GET", self.url)
            answer.raise_for_status()
            self._keys = public_keys(answer.json())
            self._confirmed_at = time.monotonic()
        except (OutboundError, ValueError, OSError) as exc:
            if not self._keys or time.monotonic() - self._confirmed_at > self.limit_s:
                self._failed_at = time.monotonic()
                raise Unavailable(KEYS_AWAY) from exc
        self._fetched_at = time.monotonic()


class TokenVerifier:
    """Checks a bearer token's signature, times, audience and issuer."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        self._known: dict[str, tuple[Identity, float]] = {}

    def claims(self, token: str, *, audience: str = AUDIENCE) -> dict[str, Any]:
        """The verified claims. Raises Unauthenticated with the reason."""
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = self._keys.find(kid)
            if key is None:
                raise Unauthenticated(_("The token is signed with an unknown key"))
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError as exc:
            raise Unauthenticated(_("The token has expired")) from exc
        except jwt.PyJWTError as exc:
            raise Unauthenticated(_("The token is not valid")) from exc

    def identify(self, token: str) -> Identity:
        """The caller of a bearer token, remembered for a moment. Raises Unauthenticated."""
        now = time.time()
        identity, good_until = self._known.get(token, (None, 0.0))
        if identity is not None and now < good_until:
            return identity
        claims = self.claims(token)
        scopes = frozenset(str(claims.get("scope", "")).split())
        identity = Identity(str(claims["sub"]), scopes, int(claims.get("iat", 0)))
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[token] = (identity, min(float(claims["exp"]), now + REMEMBERED_S))
        return identity

    def known_holder(self, authorization: str, *scopes: str) -> Identity | None:
        """The caller where the token is remembered; None where `holder` must look, and may wait.

        Raises Forbidden.
        """
        scheme, _, token = authorization.partition(" ")
        identity, good_until = self._known.get(token.strip(), (None, 0.0))
        if identity is None or scheme.lower() != "bearer" or time.time() >= good_until:
            return None
        return _with_scope(identity, scopes)

    def holder(self, authorization: str, *scopes: str) -> Identity:
        """The caller that an `Authorization` header names, who must hold one of `scopes`.

        Raises Unauthenticated (401) without a valid token, Forbidden (403) without a scope.
        """
        scheme, _space, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(_("A bearer token is required"))
        return _with_scope(self.identify(token.strip()), scopes)


def _with_scope(identity: Identity, scopes: Collection[str]) -> Identity:
    if identity.scopes.isdisjoint(scopes):
        raise Forbidden(_("The token lacks the scope %(scopes)s", scopes=_(" or ").join(scopes)))
    return identity


def require_scope(*scopes: str) -> Identity:
    """The caller of the current request, who must hold one of `scopes`. Raises as `holder`."""
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    identity = g.identity = verifier.holder(request.headers.get("Authorization", ""), *scopes)
    return identity


def held_scopes() -> frozenset[str]:
    """What the caller of the current request holds, once a route has asked for a scope."""
    identity: Identity = g.identity
    return identity.scopes


@dataclass
class ClientCredentials:
    """This service's own access token, fetched from the proxy and renewed before it ends."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    client: HttpClient
    scope: str = ""
    now: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _good_until: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def authorization(self) -> dict[str, str]:
        """The header to send. Raises Unavailable when no token can be had."""
        with self._lock:
            if self.now() >= self._good_until:
                self._fetch()
            return {"Authorization": f"Bearer {self._token}"}

    def _fetch(self) -> None:
        try:
            answer = self.client.request(
                "POST",
                self.token_url,
                auth=(self.client_id, self.client_secret),
                data={"grant_type": "client_credentials", "scope": self.scope},
            )
            answer.raise_for_status()
            grant = answer.json()
            self._token = grant["access_token"]
            self._good_until = self.now() + grant["expires_in"] * 0.8
        except (OutboundError, ValueError, KeyError, TypeError, OSError) as exc:
            raise Unavailable(_("No access token could be fetched for this service")) from exc
