"""Bearer tokens of other issuers: which client a token names, by the issuer's published keys.

An issuer is trusted for the clients that its setting lists, and for nobody else.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from common.http.async_client import AsyncHttpClient
from common.http.outcomes import OutboundError, Timeouts
from common.logs import get_logger
from common.outbound import OutboundRules
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from proxy.config import Issuer
from proxy.gateway.rejections import TokenRejected

log = get_logger(__name__)

#: Keys are fetched again after this, and for an unknown one, but not more often than the pause.
#: With what is remembered, a key that is withdrawn is not believed for longer than a minute.
MAX_AGE_S = 30.0
PAUSE_S = 10.0
#: Keys that could not be fetched again for so long are not believed any more.
LIMIT_S = 300.0
LEEWAY_S = 10
#: A token that was verified is believed for so long without looking again, never past its end.
REMEMBERED_S = 20.0
MAX_REMEMBERED = 1_000
MAX_KEYS_BYTES = 1024 * 1024
MIN_RSA_BITS = 2048

Key = RSAPublicKey | EllipticCurvePublicKey


def keys_of(document: Any) -> dict[str, tuple[Key, str]]:
    """The keys that may sign, with the one algorithm of each, by kid. Raises ValueError."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS document")
    found = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("kid"), str):
            key = _signing_key(entry)
            if key is not None:
                found[entry["kid"]] = key
    return found


def _signing_key(entry: dict[str, Any]) -> tuple[Key, str] | None:
    if entry.get("use", "sig") != "sig" or entry.get("kty") not in {"RSA", "EC"}:
        return None
    algorithm = "RS256" if entry["kty"] == "RSA" else "ES256"
    if entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key, algorithm
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key, algorithm
    return None


@dataclass(slots=True)
class _PublishedKeys:
    """An issuer's keys, as they were fetched last."""

    url: str
    client: AsyncHttpClient
    keys: dict[str, tuple[Key, str]] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, kid: str) -> tuple[Key, str] | None:
        """The key called `kid`. Raises TokenRejected where no keys can be had."""
        now = time.monotonic()
        if kid not in self.keys or now - self.fetched_at > MAX_AGE_S:
            async with self.lock:
                await self._refresh()
        if time.monotonic() - self.fetched_at > LIMIT_S:
            raise TokenRejected(503, "The keys of this token's issuer cannot be fetched now")
        return self.keys.get(kid)

    async def _refresh(self) -> None:
        if time.monotonic() - self.tried_at < PAUSE_S:
            return
        try:
            answer = await self.client.request("GET", self.url, b"", {"Accept": "application/json"})
            if answer.status_code != 200:
                raise ValueError(f"answered {answer.status_code}")
            self.keys = keys_of(json.loads(answer.content))
            self.fetched_at = time.monotonic()
        except (OutboundError, ValueError, RecursionError) as exc:
            log.warning("issuer_keys_not_fetched", url=self.url, reason=str(exc)[:200])
        self.tried_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Named:
    """The client that a token of `issuer` names."""

    client_id: str
    issuer: Issuer


class ForeignTokens:
    """Verifies tokens of the issuers that this installation trusts; for an event loop."""

    def __init__(self, known: Sequence[Issuer], rules: OutboundRules) -> None:
        timeouts = Timeouts(connect_s=3.0, read_s=5.0)
        self._client = AsyncHttpClient(timeouts, max_answer_bytes=MAX_KEYS_BYTES, rules=rules)
        self._issuers = {
            one.issuer: (one, _PublishedKeys(one.jwks_url, self._client)) for one in known
        }
        self._remembered: dict[str, tuple[Named, float]] = {}

    async def named(self, token: str) -> Named:
        """Whom a token names. Raises TokenRejected."""
        now = time.time()
        named, good_until = self._remembered.get(token, (None, 0.0))
        if named is not None and now < good_until:
            return named
        known = self._issuers.get(issuer_of(token))
        if known is None:
            raise TokenRejected(401, "The token is of an issuer that is not known here")
        issuer, keys = known
        claims = _verified(token, issuer, await keys.find(_kid_of(token)))
        client_id = claims.get(issuer.claim)
        if not isinstance(client_id, str) or not client_id:
            raise TokenRejected(401, f"The token has no claim {issuer.claim} that names a client")
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        named = Named(client_id, issuer)
        self._remembered[token] = (named, min(float(claims["exp"]), now + REMEMBERED_S))
        return named

    def close(self) -> None:
        """Close the connections that rest."""
        self._client.close()


def issuer_of(token: str) -> str:
    """What a token claims of its issuer, unverified; empty where it cannot be read."""
    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return ""
    return claimed if isinstance(claimed, str) else ""


def _kid_of(token: str) -> str:
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except jwt.PyJWTError as exc:
        raise TokenRejected(401, "The token is not valid") from exc


def _verified(token: str, issuer: Issuer, key: tuple[Key, str] | None) -> dict[str, Any]:
    if key is None:
        raise TokenRejected(401, "The token is signed with an unknown key")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key[0],
            algorithms=[key[1]],
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "aud", "iss"]},
        )
    except jwt.ExpiredSignatureError as exc:
        raise TokenRejected(401, "The token has expired") from exc
    except jwt.PyJWTError as exc:
        raise TokenRejected(401, "The token is not valid") from exc
    return claims
