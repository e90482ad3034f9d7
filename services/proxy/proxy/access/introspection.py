"""What nginx asks before it takes the body of an API call: whether the credentials stand, now.

A token says who a client was when it was issued. Here its client is looked up as it is now: gone,
narrowed, or bound to other addresses, it is rejected within the routing table's age, whatever the
services' own copies of our keys say. An id with its secret is exchanged for a short token.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from common.http.replies import Reply
from common.web.tokens import ISSUER, TokenVerifier

from proxy.access.bearer import own_holder
from proxy.access.issuers import issuer_of
from proxy.access.signing import TokenSigner
from proxy.gateway import callers
from proxy.gateway.call import Call
from proxy.gateway.callers import Credentials
from proxy.gateway.rejections import AuthenticationRequired, RejectedCall
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import RoutedClient

PATH = "/.kiungo/token"
#: What nginx says of the body that comes: its length, or how it is coded.
BODY_HEADER = "X-Kiungo-Body"
#: A body without credentials, for what is public.
MAX_PUBLIC_BYTES = 1024 * 1024
#: An exchanged token is used for so long, and stands for twice as long.
EXCHANGED_FOR_S = 60

Authenticate = Callable[[Call, Credentials | None], Awaitable[RoutedClient]]


@dataclass(frozen=True, slots=True)
class _Exchanged:
    token: str
    scopes: frozenset[str]
    good_until: float


class Introspection:
    """Judges the credentials of API calls by the routing table."""

    def __init__(self, routing: Routing, signer: TokenSigner, authenticate: Authenticate) -> None:
        self._routing = routing
        self._signer = signer
        self._verifier = TokenVerifier(signer)
        self._authenticate = authenticate
        self._exchanged: dict[str, _Exchanged] = {}

    async def answer(self, call: Call) -> Reply:
        """204, with a token where one was exchanged; or 401 with what the caller is to be told."""
        try:
            token = await self._token(call)
        except RejectedCall as rejected:
            return _rejected(rejected)
        return Reply(204, [("X-Kiungo-Token", token)] if token else [])

    async def _token(self, call: Call) -> str:
        """A token that is to be used instead of the credentials. Raises RejectedCall."""
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if issuer_of(token.strip()) not in {"", ISSUER}:
                return self._exchange(await self._authenticate(call, None))
            self._check(token.strip(), call.address)
            return ""
        claimed = callers.claimed_credentials(call.headers)
        if claimed is None and call.certificate is not None:
            holder = self._routing.table().holder(call.certificate)
            if holder is not None:
                return self._exchange(await self._authenticate(call, None))
        if claimed is None or claimed.is_token:  # custom tokens open channels, and no API
            _check_public(call.headers.get(BODY_HEADER, ""))
            return ""
        return self._exchange(await self._authenticate(call, claimed))

    def _check(self, token: str, address: str) -> None:
        client = own_holder(self._verifier, token, self._routing.table().clients)
        callers.check_address(client, address)

    def _exchange(self, client: RoutedClient) -> str:
        known = self._exchanged.get(client.client_id)
        now = time.monotonic()
        if known is None or known.scopes != client.scopes or known.good_until < now:
            scope = " ".join(sorted(client.scopes))
            signed = self._signer.sign(client.client_id, 2 * EXCHANGED_FOR_S, scope=scope)
            known = _Exchanged(signed, client.scopes, now + EXCHANGED_FOR_S)
            self._exchanged[client.client_id] = known
        return known.token


def _check_public(body: str) -> None:
    """Raises AuthenticationRequired for a body that is large, or of no stated length."""
    if body and not (body.isdecimal() and int(body) <= MAX_PUBLIC_BYTES):
        raise AuthenticationRequired


def _rejected(rejected: RejectedCall) -> Reply:
    said = [
        *rejected.headers,
        ("X-Kiungo-Rejection", rejected.reason),
        ("X-Kiungo-Rejection-Status", str(rejected.status)),
    ]
    return Reply(401, said)
