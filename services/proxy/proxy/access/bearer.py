"""Who calls with a bearer token: one of ours, or one of an issuer that this installation trusts."""

from collections.abc import Mapping

from common.errors import Unauthenticated
from common.web.tokens import ISSUER, Identity, TokenVerifier

from proxy.access.issuers import ForeignTokens, issuer_of
from proxy.access.scopes import excess
from proxy.gateway.rejections import AuthenticationRequired, TokenRejected
from proxy.gateway.routing_table import RoutedClient


class BearerTokens:
    """Judges tokens by the clients as they are now."""

    def __init__(self, verifier: TokenVerifier, foreign: ForeignTokens) -> None:
        self._verifier = verifier
        self._foreign = foreign

    async def holder(self, token: str, clients: Mapping[str, RoutedClient]) -> RoutedClient:
        """The client that a token stands for. Raises TokenRejected; AuthenticationRequired for
        what is no token of anybody.
        """
        issuer = issuer_of(token)
        if not issuer:
            raise AuthenticationRequired
        if issuer == ISSUER:
            return own_holder(self._verifier, token, clients)
        named = await self._foreign.named(token)
        client = clients.get(named.client_id)
        if client is None or not (client.groups & named.issuer.allow):
            raise TokenRejected(401, "The token names no active client that its issuer may name")
        return client


def own_holder(
    verifier: TokenVerifier, token: str, clients: Mapping[str, RoutedClient]
) -> RoutedClient:
    """The client that one of our own tokens stands for. Raises TokenRejected."""
    try:
        identity = verifier.identify(token)
    except Unauthenticated as exc:
        raise TokenRejected(401, str(exc)) from exc
    client = clients.get(identity.subject)
    check_token(identity, client)
    assert client is not None
    return client


def check_token(identity: Identity, client: RoutedClient | None) -> None:
    """Whether a token's client stands, and may do all that it says. Raises TokenRejected."""
    if client is None or identity.issued_at < int(client.since):
        raise TokenRejected(401, "The client of this token is not active any more")
    if not identity.scopes <= client.scopes and excess(identity.scopes, client.scopes):
        raise TokenRejected(403, "This token says more than its client may do now")
