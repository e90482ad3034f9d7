"""Sign-in at another provider: OpenID Connect Core 1.0, the code flow with PKCE, state and nonce.

Nothing is fetched before somebody wants to sign in so: a provider that is away keeps nobody from
signing in by a password.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from common.console.staff import StaffRole
from common.errors import Unavailable
from common.http.async_client import AsyncHttpClient, Response
from common.http.outcomes import OutboundError, Timeouts
from common.logs import get_logger
from common.loop_thread import LoopThread
from common.outbound import OutboundRules
from common.texts import N_, _

from proxy.access.issuers import LEEWAY_S, keys_of
from proxy.config import OpenIdProvider
from proxy.errors import WrongCredentials

log = get_logger(__name__)

AWAY = N_("The provider cannot be reached now. Sign in by a password, or try again later.")
DISAGREES = N_("The provider's answer does not fit. Please begin again.")
MAX_IDENTITY_CHARS = 512
MAX_ANSWER_BYTES = 1024 * 1024
_TIMEOUTS = Timeouts(connect_s=3.0, read_s=8.0, total_s=12.0)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Begun:
    """What a browser was sent to the provider with, to be known again when it comes back."""

    state: str
    nonce: str
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> "Begun":
        """256 random bits for each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def challenge(self) -> str:
        """The verifier's digest, as PKCE (RFC 7636) sends it ahead."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class OpenIdClient:
    """Asks one provider, within the outbound rules; for threads."""

    def __init__(self, provider: OpenIdProvider, rules: OutboundRules) -> None:
        self._provider = provider
        self._http = AsyncHttpClient(_TIMEOUTS, max_answer_bytes=MAX_ANSWER_BYTES, rules=rules)
        self._loop = LoopThread()

    def address(self, begun: Begun, redirect_uri: str) -> str:
        """Where the browser goes. Raises Unavailable."""
        endpoint = _member(self._document(), "authorization_endpoint")
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._provider.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def claims(self, code: str, begun: Begun, redirect_uri: str) -> dict[str, Any]:
        """What the provider says of who came back with `code`.

        Raises Unavailable, WrongCredentials.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": begun.verifier,
        }
        document = self._document()
        tokens = self._tokens(document, form)
        said = self._verified(document, str(tokens.get("id_token", "")), begun.nonce)
        access_token = str(tokens.get("access_token", ""))
        return {**self._user_info(document, access_token, said["sub"]), **said}

    def _tokens(self, document: Mapping[str, Any], form: dict[str, str]) -> dict[str, Any]:
        client = self._provider
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not client.client_secret:
            form = {**form, "client_id": client.client_id}
        elif "client_secret_basic" in methods:
            pair = f"{quote(client.client_id, '')}:{quote(client.client_secret, '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
        url = _member(document, "token_endpoint")
        answer = self._ask("POST", url, urlencode(form).encode(), headers)
        if 400 <= answer.status_code < 500:
            log.warning("openid_code_rejected", status=answer.status_code)
            raise WrongCredentials(_(DISAGREES))
        return _json(answer)

    def _verified(self, document: Mapping[str, Any], token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token for us, signed by the provider, for this sign-in."""
        published = self._get(_member(document, "jwks_uri"))
        client_id = self._provider.client_id
        try:
            keys = keys_of(published)
            key, algorithm = keys[str(jwt.get_unverified_header(token).get("kid"))]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=client_id,
                issuer=self._provider.issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
            )
        except (jwt.PyJWTError, LookupError, ValueError) as exc:
            log.warning("openid_token_rejected", reason=type(exc).__name__)
            raise WrongCredentials(_(DISAGREES)) from exc
        is_ours = hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode())
        if not is_ours or claims.get("azp", client_id) != client_id or not claims["sub"]:
            raise WrongCredentials(_(DISAGREES))
        return claims

    def _user_info(
        self, document: Mapping[str, Any], access_token: str, subject: str
    ) -> dict[str, Any]:
        """Further claims, where the provider tells them only when asked."""
        url = document.get("userinfo_endpoint")
        if not url or not access_token:
            return {}
        said = self._get(str(url), {"Authorization": f"Bearer {access_token}"})
        if said.get("sub") != subject:
            raise WrongCredentials(_(DISAGREES))
        return said

    def _document(self) -> dict[str, Any]:
        issuer = self._provider.issuer
        found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            log.warning("openid_issuer_differs", issuer=issuer)
            raise Unavailable(_(AWAY))
        return found

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return _json(self._ask("GET", url, b"", {"Accept": "application/json", **(headers or {})}))

    def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        try:
            return self._loop.run(self._http.request(method, url, body, headers))
        except OutboundError as exc:
            log.warning("openid_provider_away", url=url, reason=str(exc)[:200])
            raise Unavailable(_(AWAY)) from exc


def identity_of(issuer: str, claims: Mapping[str, Any]) -> str:
    """Who it is among all people of all providers. Raises WrongCredentials."""
    identity = f"{issuer} {claims['sub']}"
    if len(identity) > MAX_IDENTITY_CHARS or not identity.isprintable():
        raise WrongCredentials(_(DISAGREES))
    return identity


def role_of(claims: Mapping[str, Any], claim: str, roles: Mapping[str, str]) -> str | None:
    """The widest role that the claim's values stand for; `*` stands for everybody. Pure.

    A role that an administrator made comes before `*`, and after built-in ones that are named; of
    several the first in the setting. A claim's name may lead into objects: `realm_access.roles`.
    """
    found: Any = claims
    for name in [claim] if claim in claims else claim.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    named = {one for one in values if isinstance(one, str)}
    given = [role for value, role in roles.items() if value in named]
    built_in = [role for role in StaffRole if role in given]
    if given and not built_in:
        return given[0]
    fallback = roles.get("*")
    return max([*built_in, *([fallback] if fallback else [])], key=_rank, default=None)


def _rank(role: str) -> int:
    return list(StaffRole).index(StaffRole(role)) if role in set(StaffRole) else -1


def _member(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str):
        log.warning("openid_document_lacks", member=name)
        raise Unavailable(_(AWAY))
    return found


def _json(answer: Response) -> dict[str, Any]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        found = None
    if answer.status_code != 200 or not isinstance(found, dict):
        log.warning("openid_answer_odd", status=answer.status_code)
        raise Unavailable(_(AWAY))
    return found
