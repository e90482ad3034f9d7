"""Who calls: by id and secret, token, certificate, or as the origin of a message or poll says."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from common.db.reader import Reader
from common.web.tokens import TokenVerifier

from proxy.access import call_grants, client_tokens
from proxy.access.addresses import is_within
from proxy.access.bearer import BearerTokens
from proxy.access.issuers import ForeignTokens
from proxy.container import Container
from proxy.gateway.call import Call, Origin
from proxy.gateway.rejections import (
    AddressNotAllowed,
    AuthenticationRequired,
    CertificateUnknown,
    ClientAway,
    InvalidCredentials,
    TooManyWrongSecrets,
)
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import NOBODY, RoutedClient, RoutingTable
from proxy.gateway.secret_checks import SecretChecks, SecretThreads

#: How long the answer to too many wrong secrets is held back, and of how many at a time.
HELD_BACK_S = 0.25
MOST_HELD_BACK = 1_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller claims to be."""

    client_id: str
    secret: str = field(repr=False)
    #: The secret is a custom token, and says by itself who calls.
    is_token: bool = False


def claimed_credentials(headers: Mapping[str, str]) -> Credentials | None:
    """`X-Client-Id` with `X-Client-Secret`, else HTTP Basic, a custom token, else None."""
    client_id, secret = headers.get("X-Client-Id", ""), headers.get("X-Client-Secret", "")
    if client_id and secret:
        return Credentials(client_id, secret)
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        token = encoded.strip()
        is_token = token and scheme.lower() == client_tokens.SCHEME
        return Credentials("", token, is_token=True) if is_token else None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = decoded.partition(":")
    return Credentials(client_id, secret) if colon and client_id else None


class Callers:
    """Finds the client that makes a call; slow secrets are hashed by `threads`."""

    def __init__(
        self, container: Container, routing: Routing, reader: Reader, threads: SecretThreads
    ) -> None:
        settings = container.settings
        self._throttle = container.throttle
        self._grants = container.grants
        self._foreign = ForeignTokens(settings.token_issuers, settings.outbound())
        self._bearers = BearerTokens(TokenVerifier(container.signer), self._foreign)
        self._tokens = container.client_tokens
        self._is_pure_esb = settings.mediator_mode == "pure_esb"
        self._routing = routing
        self._reader = reader
        self._checks = SecretChecks(container, threads)
        self._held_back = 0

    def close(self) -> None:
        """Let connections go."""
        self._foreign.close()

    async def of(
        self,
        call: Call,
        claimed: Credentials | None,
        table: RoutingTable,
        channel_name: str | None,
    ) -> RoutedClient:
        """The client; NOBODY for a call to a public channel. Raises RejectedCall."""
        if call.origin is not None:
            return await self._of_origin(call, call.origin, table)
        if table.has_public and self._may_be_nobodys(call, claimed, table, channel_name):
            return NOBODY
        return await self._caller(call, claimed)

    async def _of_origin(self, call: Call, origin: Origin, table: RoutingTable) -> RoutedClient:
        """Whom a message or a poll is made for: the client that its channel names, else whose
        certificate it is, else nobody. Raises RejectedCall."""
        if not origin.client_id:
            return NOBODY if call.certificate is None else await self._without_secret(call)
        client = table.clients.get(origin.client_id)
        if client is None:
            raise ClientAway(origin.client_id)
        if not origin.is_poll:
            check_address(client, call.address)
        return client

    def _may_be_nobodys(
        self, call: Call, claimed: Credentials | None, table: RoutingTable, name: str | None
    ) -> bool:
        """Whether a call without credentials of a client of ours is for a public channel perhaps.

        HTTP Basic of nobody whom we know is for the mediator; a custom token is for us.
        """
        if self._is_pure_esb:
            return False
        if claimed is not None and (
            claimed.is_token or claimed.client_id in table.clients or "X-Client-Id" in call.headers
        ):
            return False
        takers = table.index.takers(name, call.method, call.path, self._routing.is_online)
        return any(table.channels[one.id].is_public for one in takers)

    async def _caller(self, call: Call, claimed: Credentials | None) -> RoutedClient:
        """Who calls; in a call, and nowhere else, a one-time grant stands for the secret."""
        if claimed is not None and claimed.secret.startswith(call_grants.PREFIX):
            client = self._routing.table().clients.get(claimed.client_id)
            if client is not None and await self._reader.run(
                lambda: self._grants.redeem(
                    claimed.client_id, claimed.secret, call.correlation_id, call.started_at
                )
            ):
                return admit(client, True, call.address)
        return await self.authenticate(call, claimed)

    async def authenticate(self, call: Call, claimed: Credentials | None) -> RoutedClient:
        """Who calls, by id, secret and address. Raises RejectedCall."""
        if claimed is None:
            return await self._without_secret(call)
        try:
            if claimed.is_token:
                return self._holder(call.address, claimed.secret)
            client = self._routing.table().clients.get(claimed.client_id)
            hashes = client.secret_hashes if client else ()
            # An unknown id is as quickly wrong as the generated secret of a known one.
            asked = (claimed.client_id, claimed.secret, hashes)
            is_right = await self._checks.is_right(call.address, asked)
        except TooManyWrongSecrets:
            await self._hold_back()
            raise
        return admit(client, is_right, call.address)

    async def _hold_back(self) -> None:
        """Keep whoever guesses in a loop waiting: the next guess comes behind this answer."""
        if self._held_back < MOST_HELD_BACK:
            self._held_back += 1
            try:
                await asyncio.sleep(HELD_BACK_S)
            finally:
                self._held_back -= 1

    async def _without_secret(self, call: Call) -> RoutedClient:
        """Who calls, by a bearer token, or by a certificate that nginx checked.

        Raises RejectedCall.
        """
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            client = await self._bearers.holder(token.strip(), self._routing.table().clients)
            return admit(client, True, call.address)
        if call.certificate is None:
            raise AuthenticationRequired
        bound = self._routing.table().holder(call.certificate)
        if bound is None:
            raise CertificateUnknown
        return admit(bound, True, call.address)

    def _holder(self, address: str, token: str) -> RoutedClient:
        """Whose custom token it is; wrong ones are counted. Raises RejectedCall."""
        holders = self._routing.table().token_holders
        found = (holders.get(digest) for digest in self._tokens.digests(token))
        client = next((one for one in found if one is not None), None)
        if client is None:
            if wait_s := self._throttle.wait_s(address, ""):
                raise TooManyWrongSecrets(wait_s)
            self._throttle.note(address, "", False)
        return admit(client, True, address)


def admit(client: RoutedClient | None, is_right: bool, address: str) -> RoutedClient:
    """The client whose secret was found right or wrong, if it may call from `address`."""
    if client is None or not is_right:
        raise InvalidCredentials
    check_address(client, address)
    return client


def check_address(client: RoutedClient, address: str) -> None:
    """Raise AddressNotAllowed where the client is bound to other networks."""
    if client.allowed_networks and not is_within(address, client.allowed_networks):
        raise AddressNotAllowed
