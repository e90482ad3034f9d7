"""Which calls are let in: who asks, from where, for which channel, on behalf of whom, with what.

Pure rules below; `Admission` asks them in the order of the contract's steps 1–8.
"""

import asyncio
import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from common.db.reader import Reader
from common.web.tokens import TokenVerifier

from proxy.access import call_grants, client_tokens
from proxy.access.addresses import is_within
from proxy.access.bearer import BearerTokens
from proxy.access.issuers import ForeignTokens
from proxy.container import Container
from proxy.gateway import esb
from proxy.gateway.admitted import Admitted, storing_for
from proxy.gateway.call import Body, Call, Origin, query_value
from proxy.gateway.limits import Limits
from proxy.gateway.match import CandidateChannel, Matched, NoMethod, NoPath
from proxy.gateway.rejections import (
    AddressNotAllowed,
    AmbiguousRegistration,
    AuthenticationRequired,
    CertificateUnknown,
    ClientAway,
    ClientMayNotActForOrganization,
    ClientNotAllowed,
    InvalidCredentials,
    MediatorOffline,
    MethodNotAllowed,
    NoChannel,
    NoRegistration,
    OrganizationRequired,
    RejectedCall,
    TooManyWrongSecrets,
)
from proxy.gateway.routing import (
    NOBODY,
    Registration,
    RoutedChannel,
    RoutedClient,
    Routing,
    RoutingTable,
)
from proxy.gateway.secret_checks import SecretChecks
from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, decoded_body
from proxy.record.rows import Stopwatch, ms_since
from proxy.registry.body_rules import (
    HEAVY_BYTES,
    check_body,
    has_schema,
    is_heavy,
    media_type,
    read_bounded,
)
from proxy.registry.content_match import Matches
from proxy.registry.why_not import nearest

#: Threads for slow hashes and heavy body rules; niced, so that calls go first.
HEAVY_THREADS = 2

#: Whether a mediator takes calls.
IsOnline = Callable[[uuid.UUID], bool]
#: Keeps a call that a channel took and whose body it then rejected.
KeepFailed = Callable[[Admitted, RejectedCall], Awaitable[None]]


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


class Admission:
    """Lets calls in; `keep_failed` is told of those that fail by a rule for bodies."""

    def __init__(
        self, container: Container, routing: Routing, reader: Reader, keep_failed: KeepFailed
    ) -> None:
        self._settings = container.settings
        self._throttle = container.throttle
        self._grants = container.grants
        self._foreign = ForeignTokens(
            container.settings.token_issuers, container.settings.outbound()
        )
        self._bearers = BearerTokens(TokenVerifier(container.signer), self._foreign)
        self._tokens = container.client_tokens
        self._is_pure_esb = container.settings.mediator_mode == "pure_esb"
        self._limits = Limits()
        self._routing = routing
        self._reader = reader
        self._keep_failed = keep_failed
        self._heavy = ThreadPoolExecutor(
            HEAVY_THREADS, thread_name_prefix="heavy", initializer=_lower_priority
        )
        self._checks = SecretChecks(container, self._heavy)

    def close(self) -> None:
        """Let the threads and connections go."""
        self._foreign.close()
        self._heavy.shutdown(wait=False, cancel_futures=True)

    async def admit(
        self, call: Call, claimed: Credentials | None, channel_name: str | None
    ) -> Admitted:
        """The call with all that is decided of it. Raises RejectedCall.

        With `channel_name` that channel is meant (see `/integration/call`).
        """
        table = self._routing.table()
        if call.origin is not None:
            client = await self._of_origin(call, call.origin, table)
        elif table.has_public and self._may_be_nobodys(call, claimed, table, channel_name):
            client = NOBODY
        else:
            client = await self._caller(call, claimed)
        if client.limit is not None:
            call.slot = self._limits.enter(client.client_id, client.limit)
        channel = None
        registrations = table.global_registrations
        body = None
        if not self._is_pure_esb:
            channel, candidate = choose_channel(call, table, self._routing.is_online, channel_name)
            if candidate.content is not None:
                body = await call.read_body(self._settings.request_body_max_bytes)
                channel = await self._by_content(call, body, table, channel_name)
            check_allowed(client, channel, call.address)
            registrations = channel.registrations
            if channel.tell_client:
                call.client_fields = client.fields
        registration = None
        if registrations or self._is_pure_esb:
            registration = find_registration(call, registrations)
            check_may_act(client, registration)
        if body is None:
            body = await call.read_body(self._settings.request_body_max_bytes)
        watch = Stopwatch(call.started_ns)
        admitted = Admitted(
            call, body, client, channel, None, watch, storing_for(self._settings, channel)
        )
        await self._check_rules(admitted, registration)
        watch.match_ms = ms_since(call.started_ns)
        return admitted

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

    async def _by_content(
        self, call: Call, body: Body, table: RoutingTable, name: str | None
    ) -> RoutedChannel:
        """The first channel whose rule for contents the call meets. Raises NoChannel, and what
        reading a body raises that is too large to be looked into."""
        for one in takers_by_type(call, table, self._routing.is_online, name):
            rule = one.content
            if rule is None or rule.body is None or await self._holds(call, body, rule.body):
                return table.channels[one.id]
        raise NoChannel(nearest(table.index, call.method, call.path, self._routing.is_online))

    async def _holds(self, call: Call, body: Body, matches: Matches) -> bool:
        """Whether the unpacked body meets a rule; what cannot be unpacked meets none."""
        limit = self._settings.body_rules_max_bytes
        whole = await read_bounded(body, limit)
        packing = call.headers.get("Content-Encoding", "")

        def look() -> bool:
            try:
                return matches(decoded_body(whole, packing, limit))
            except (DecodedTooLarge, NotDecoded, UnknownCoding):
                return False

        if len(whole) <= HEAVY_BYTES and not packing:
            return look()
        return await asyncio.get_running_loop().run_in_executor(self._heavy, look)

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
        clients = self._routing.table().clients
        if claimed is None:
            return await self._without_secret(call)
        if claimed.is_token:
            return self._holder(call.address, claimed.secret)
        client = clients.get(claimed.client_id)
        hashes = client.secret_hashes if client else ()
        # An unknown id is as quickly wrong as the generated secret of a known one.
        asked = (claimed.client_id, claimed.secret, hashes)
        return admit(client, await self._checks.is_right(call.address, asked), call.address)

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

    async def _check_rules(self, admitted: Admitted, registration: Registration | None) -> None:
        """The rules for the body; what breaks them is kept as a failed call too."""
        call, body, channel = admitted.call, admitted.body, admitted.channel
        try:
            if channel is not None:
                await self._check_body(admitted, channel)
            if registration is not None:
                whole = await read_bounded(body, self._settings.body_rules_max_bytes)
                admitted.esb = esb.plan(call, whole, registration)
        except RejectedCall as rejected:
            if rejected.is_failed_call:
                await self._keep_failed(admitted, rejected)
            raise

    async def _check_body(self, admitted: Admitted, channel: RoutedChannel) -> None:
        call, body, limit = admitted.call, admitted.body, self._settings.body_rules_max_bytes
        if has_schema(call, channel):
            await read_bounded(body, limit)
        if is_heavy(call, body, channel):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._heavy, check_body, call, body, channel, limit)
        else:
            check_body(call, body, channel, limit)


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


def choose_channel(
    call: Call, table: RoutingTable, is_online: IsOnline, name: str | None = None
) -> tuple[RoutedChannel, CandidateChannel]:
    """The channel that takes the call, contents aside, and what it was matched by; with `name` only
    that one is considered."""
    path = call.path
    if name is None:
        verdict = table.index.match(call.method, path, is_online)
    else:
        verdict = table.index_for(call).match_named(name, call.method, path, is_online)
    if isinstance(verdict, Matched):
        return table.channels[verdict.channel.id], verdict.channel
    if isinstance(verdict, NoPath):
        raise NoChannel(nearest(table.index, call.method, path, is_online))
    if isinstance(verdict, NoMethod):
        raise MethodNotAllowed(verdict.allow)
    raise MediatorOffline


def takers_by_type(
    call: Call, table: RoutingTable, is_online: IsOnline, name: str | None = None
) -> Iterator[CandidateChannel]:
    """The channels that take the call if its body meets their rule for it, best first."""
    content_type = media_type(call.headers.get("Content-Type", ""))
    for one in table.index_for(call).takers(name, call.method, call.path, is_online):
        rule = one.content
        if rule is None or not rule.content_types or content_type in rule.content_types:
            yield one


def check_allowed(client: RoutedClient, channel: RoutedChannel, address: str) -> None:
    """Raise ClientNotAllowed where the channel lists others only, AuthenticationRequired where it
    is not for nobody, AddressNotAllowed where it is bound to other networks."""
    if channel.allowed_networks and not is_within(address, channel.allowed_networks):
        raise AddressNotAllowed
    if client is NOBODY:
        if not channel.is_public:
            raise AuthenticationRequired
    elif channel.allow and not (channel.is_public or channel.allow & client.groups):
        raise ClientNotAllowed


def check_may_act(client: RoutedClient, registration: Registration) -> None:
    """Raise ClientMayNotActForOrganization where the registration lists others only."""
    if registration.allow is not None and not (registration.allow & client.groups):
        raise ClientMayNotActForOrganization


def find_registration(call: Call, registrations: Mapping[str, Registration]) -> Registration:
    """The registration of the organization that the call names."""
    named = {
        name.strip().casefold()
        for name in (call.headers.get("X-Organization", ""), query_value(call, "organization"))
        if name.strip()
    }
    if not named:
        raise OrganizationRequired
    if len(named) > 1:
        raise AmbiguousRegistration
    registration = registrations.get(named.pop())
    if registration is None:
        raise NoRegistration
    return registration


def _lower_priority() -> None:
    """Let this thread have what others leave of the processor (Linux: a thread's own niceness)."""
    import contextlib
    import os
    import threading

    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
