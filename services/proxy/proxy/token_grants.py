"""Access tokens for clients: the client-credentials grant of RFC 6749 §4.4.

GrantError carries the RFC's error codes; they are answered as they are, not as problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from proxy.clients import find_active
from proxy.gateway.admission import Credentials, check_address
from proxy.gateway.refusals import AddressNotAllowed
from proxy.gateway.routing_table import RoutedClient
from proxy.models import Client
from proxy.parts import Parts

GRANT_TYPE = "client_credentials"
_MAX_LENGTH = 1024


class GrantError(Exception):
    """No token; `error` is one of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True)
class TokenRequest:
    """What was asked; `basic` are the credentials of the Authorization header."""

    parameters: Mapping[str, Sequence[str]]
    basic: Credentials | None
    address: str

    def parameter(self, name: str) -> str:
        """A parameter's one value, or an empty text. Raises GrantError when it is repeated."""
        values = self.parameters.get(name, ())
        if len(values) > 1:
            raise GrantError("invalid_request", f"{name} is repeated")
        return values[0] if values else ""


def grant(parts: Parts, request: TokenRequest) -> dict[str, Any]:
    """The token answer of RFC 6749 §5.1. Raises GrantError."""
    grant_type = request.parameter("grant_type")
    if not grant_type:
        raise GrantError("invalid_request", "grant_type is missing")
    if grant_type != GRANT_TYPE:
        raise GrantError("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
    client = _authenticated(parts, _credentials(request))
    _check_address(client, request.address)
    scope = _granted_scope(client, request.parameter("scope").split())
    lifetime_s = parts.settings.access_token_lifetime_s
    return {
        "access_token": parts.signer.sign(client.client_id, lifetime_s, scope=scope),
        "token_type": "Bearer",
        "expires_in": lifetime_s,
        "scope": scope,
    }


def _credentials(request: TokenRequest) -> Credentials:
    client_id = request.parameter("client_id")
    secret = request.parameter("client_secret")
    if request.basic is None:
        return Credentials(client_id, secret)
    if secret or client_id not in {"", request.basic.client_id}:
        raise GrantError("invalid_request", "Send the credentials once: Basic or form")
    return request.basic


def _authenticated(parts: Parts, claimed: Credentials) -> Client:
    """The client; an unknown one costs as much time as a wrong secret."""
    client_id, secret = claimed.client_id, claimed.secret
    if not client_id or not secret or max(len(client_id), len(secret)) > _MAX_LENGTH:
        raise GrantError("invalid_client", "Client credentials are required")
    client = None
    if client_id.isprintable():
        with parts.database.reading() as session:
            client = find_active(session, client_id)
    hashes = [secret.secret_hash for secret in client.secrets] if client else []
    if not parts.secrets.check(client_id, secret, hashes) or client is None:
        raise GrantError("invalid_client", "Invalid client credentials")
    return client


def _check_address(client: Client, address: str) -> None:
    """The rule of calls (step 3) holds for tokens too."""
    networks = tuple(ip_network(text, strict=False) for text in client.allowed_ips)
    try:
        check_address(RoutedClient(client.client_id, (), networks, frozenset()), address)
    except AddressNotAllowed as exc:
        raise GrantError("unauthorized_client", exc.reason) from exc


def _granted_scope(client: Client, asked: Sequence[str]) -> str:
    excess = sorted(set(asked) - set(client.scopes))
    if excess:
        raise GrantError("invalid_scope", f"Not this client's: {' '.join(excess)[:200]}")
    return " ".join(dict.fromkeys(asked or client.scopes))
