"""Access tokens for clients: the client-credentials grant of RFC 6749 §4.4.

GrantError carries the RFC's error codes; they are answered as they are, not as problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import TooManyRequests
from common.networks import parsed_network

from proxy.access.certificates import Presented
from proxy.access.clients import bound_clients, find_active, replace_former_hashes
from proxy.access.scopes import excess
from proxy.access.secret_uses import write_uses
from proxy.access.throttle import TOO_MANY
from proxy.container import Container
from proxy.gateway.callers import Credentials, check_address
from proxy.gateway.rejections import AddressNotAllowed
from proxy.gateway.routing_table import RoutedClient
from proxy.models import Client

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
    certificate: Presented | None = None

    def parameter(self, name: str) -> str:
        """A parameter's one value, or an empty text. Raises GrantError when it is repeated."""
        values = self.parameters.get(name, ())
        if len(values) > 1:
            raise GrantError("invalid_request", f"{name} is repeated")
        return values[0] if values else ""


def grant(container: Container, request: TokenRequest) -> dict[str, Any]:
    """The token answer of RFC 6749 §5.1. Raises GrantError, TooManyRequests."""
    grant_type = request.parameter("grant_type")
    if not grant_type:
        raise GrantError("invalid_request", "grant_type is missing")
    if grant_type != GRANT_TYPE:
        raise GrantError("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
    credentials = _credentials(request)
    if request.certificate is not None and not credentials.secret:
        client = _holder(container, request.certificate, credentials.client_id)
        check_client_address(client, request.address)
    else:
        client = authenticated(container, credentials, request.address)
    scope = _granted_scope(client, request.parameter("scope").split())
    lifetime_s = container.settings.access_token_lifetime_s
    return {
        "access_token": container.signer.sign(client.client_id, lifetime_s, scope=scope),
        "token_type": "Bearer",
        "expires_in": lifetime_s,
        "scope": scope,
    }


def _holder(container: Container, certificate: Presented, claimed: str) -> Client:
    """The client that is bound to a certificate, and is called what it claims if it claims."""
    with container.database.reading() as session:
        bound = [one for one in bound_clients(session) if one.is_active]
    for name in certificate.names:
        owners = [client for client in bound if name in client.certificates]
        if len(owners) == 1 and claimed in {"", owners[0].client_id}:
            return owners[0]
    raise GrantError("invalid_client", "No active client of this name has this certificate")


def _credentials(request: TokenRequest) -> Credentials:
    client_id = request.parameter("client_id")
    secret = request.parameter("client_secret")
    if request.basic is None:
        return Credentials(client_id, secret)
    if secret or client_id not in {"", request.basic.client_id}:
        raise GrantError("invalid_request", "Send the credentials once: Basic or form")
    return request.basic


def authenticated(container: Container, claimed: Credentials, address: str) -> Client:
    """The client; an unknown one is as quickly wrong as the generated secret of a known one.

    Raises GrantError, TooManyRequests.
    """
    client_id, secret = claimed.client_id, claimed.secret
    if not client_id or not secret or max(len(client_id), len(secret)) > _MAX_LENGTH:
        raise GrantError("invalid_client", "Client credentials are required")
    client = None
    if client_id.isprintable():
        with container.database.reading() as session:
            client = find_active(session, client_id)
    hashes = [secret.secret_hash for secret in client.secrets] if client else []
    if not _is_right(container, claimed, hashes, address) or client is None:
        raise GrantError("invalid_client", "Invalid client credentials")
    write_uses(container.database, container.secrets)
    replace_former_hashes(container.database, client_id, secret, hashes)
    check_client_address(client, address)
    return client


def _is_right(
    container: Container, claimed: Credentials, hashes: Sequence[str], address: str
) -> bool:
    """Raises TooManyRequests."""
    client_id, secret, throttle = claimed.client_id, claimed.secret, container.throttle
    if hashes and container.secrets.known(client_id, secret, hashes):
        return True
    if wait_s := throttle.wait_s(address, client_id):
        raise TooManyRequests(TOO_MANY, wait_s)
    is_right = bool(hashes) and container.secrets.check(client_id, secret, hashes)
    throttle.note(address, client_id, is_right)
    return is_right


def check_client_address(client: Client, address: str) -> None:
    """The rule of calls (step 3) holds for tokens too. Raises GrantError."""
    networks = tuple(parsed_network(text) for text in client.allowed_ips)
    try:
        check_address(RoutedClient(client.client_id, (), networks, frozenset()), address)
    except AddressNotAllowed as exc:
        raise GrantError("unauthorized_client", exc.reason) from exc


def _granted_scope(client: Client, asked: Sequence[str]) -> str:
    missing = excess(asked, client.scopes)
    if missing:
        raise GrantError("invalid_scope", f"Not this client's: {' '.join(missing)[:200]}")
    return " ".join(dict.fromkeys(asked or client.scopes))
