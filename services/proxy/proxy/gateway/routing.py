"""The compiled routing table of a process, and how it follows the database.

Requests read one immutable `RoutingTable`. A watcher compares the version counter every
`POLL_S`, recompiles after a change, and reads the mediators' heartbeats beside it.
"""

import asyncio
import os
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from math import inf

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.errors import Invalid, Unavailable
from common.http.endpoint import Endpoint
from common.importing.former import former_of_kind
from common.logs import get_logger
from common.networks import parsed_network
from common.settings import Network
from common.web.json_schemas import CompiledSchema, compile_schema
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.access.certificates import Presented
from proxy.config import Settings
from proxy.gateway.breaker import Breaker, Breakers
from proxy.gateway.call import Call
from proxy.gateway.limits import Limit, share
from proxy.gateway.match import CandidateChannel, ChannelIndex
from proxy.gateway.url_rewriting import addresses_of
from proxy.models import (
    USUAL_RESPONSE_RETENTION_DAYS,
    Channel,
    ChannelType,
    Client,
    ExternalSystemRegistration,
    FormerRecord,
    Mediator,
)
from proxy.record.sealing import Sealer
from proxy.registry.content_match import content_rule
from proxy.registry.listening import Listening, listening_of
from proxy.registry.mediator_secrets import field_for, tls_for
from proxy.registry.mediators import is_online
from proxy.registry.patterns import compile_pattern
from proxy.registry.rewriting import Rewrite, rewrite_of
from proxy.registry.routing_version import current_version
from proxy.registry.schedules import Schedule, schedule_of
from proxy.registry.secondary_routes import SecondaryRoute, compiled_routes

log = get_logger(__name__)

POLL_S = 0.4
CLIENT_ID_HEADER, CLIENT_NAME_HEADER = "X-OpenHIM-ClientID", "X-Client-Name"


@dataclass(frozen=True, slots=True)
class RoutedClient:
    """A client as the hot path needs it."""

    client_id: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    allowed_networks: tuple[Network, ...]
    groups: frozenset[str]
    scopes: frozenset[str] = frozenset()
    certificates: tuple[str, ...] = ()
    limit: Limit | None = None
    #: Seconds since 1970: tokens of a client of the same name before it are not its own.
    since: float = 0.0
    #: Header fields that say to a mediator who calls.
    fields: tuple[tuple[str, str], ...] = ()


#: Who calls a public channel without credentials.
NOBODY = RoutedClient("", (), (), frozenset())


@dataclass(frozen=True, slots=True)
class Registration:
    """An organization's codes on the bus."""

    organization: str
    api_code: str
    push_code: str
    #: Client ids and roles that may act for it; None: every client.
    allow: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class Shadowing:
    """Another hub that a channel's calls are copied to, and whether those that act twice are."""

    endpoint: Endpoint
    is_unsafe: bool


@dataclass(frozen=True, slots=True)
class RetryRule:
    """When and how often failed calls of a channel are made again by themselves."""

    period_s: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class RoutedChannel:
    """A channel with its rules compiled."""

    id: uuid.UUID
    name: str
    pattern: str
    endpoint: Endpoint
    allow: frozenset[str]
    timeout_s: float
    requires_request_body: bool
    request_content_type: str
    request_body_schema: CompiledSchema | None
    store_request_body: bool
    store_response_body: bool
    keep_whole_bodies: bool
    requires_tls: bool
    registrations: Mapping[str, Registration]
    total_timeout_s: float = inf
    async_passthrough: bool = False
    response_retention_days: int = USUAL_RESPONSE_RETENTION_DAYS
    endpoint_url: str = ""
    methods: tuple[str, ...] = ()
    #: None for almost every channel.
    shadow: Shadowing | None = None
    is_public: bool = False
    allowed_networks: tuple[Network, ...] = ()
    always_async: bool = False
    rewrite: Rewrite | None = None
    #: Finds the mediator's addresses where they become the hub's in answers.
    addresses: re.Pattern[bytes] | None = None
    tell_client: bool = True
    forward_authorization: bool = False
    #: The header field that the hub shows to the mediator.
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    breaker: Breaker = field(default_factory=Breaker)
    routes: tuple[SecondaryRoute, ...] = ()
    #: Of one of these its calls come, and by no path.
    listening: Listening | None = None
    schedule: Schedule | None = None
    acts_for: str = ""

    @property
    def has_path(self) -> bool:
        """Whether clients' requests can be for it."""
        return self.listening is None and self.schedule is None

    #: Asked for calls that have failed.
    retry: RetryRule | None = None


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Everything a call is decided by, as of one version."""

    version: int
    clients: Mapping[str, RoutedClient]
    index: ChannelIndex
    channels: Mapping[uuid.UUID, RoutedChannel]
    global_registrations: Mapping[str, Registration]
    #: Clients by the keyed digests of their custom tokens.
    token_holders: Mapping[str, RoutedClient] = field(default_factory=dict)
    #: Channels that came over from the Django mediator, by the numbers that they had there.
    former_channels: Mapping[int, uuid.UUID] = field(default_factory=dict)
    #: Clients by the fingerprints and subjects of their certificates.
    certificates: Mapping[str, RoutedClient] = field(default_factory=dict)

    def holder(self, certificate: Presented) -> RoutedClient | None:
        """The active client that is bound to a certificate."""
        found = (self.certificates.get(name) for name in certificate.names)
        return next((client for client in found if client is not None), None)

    has_public: bool = False
    #: The channels that listen or poll: their calls name the channel.
    inbound: ChannelIndex = field(default_factory=lambda: ChannelIndex(()))

    def index_for(self, call: Call) -> ChannelIndex:
        """The channels that a call can be for."""
        return self.index if call.origin is None else self.inbound

    def channel(self, channel_id: uuid.UUID | int) -> RoutedChannel | None:
        """An active channel by its id, or by its former number."""
        if isinstance(channel_id, int):
            known_as = self.former_channels.get(channel_id)
            return self.channels.get(known_as) if known_as else None
        return self.channels.get(channel_id)


Heartbeats = Mapping[uuid.UUID, tuple[bool, datetime | None]]


class Routing:
    """The current table of this process, kept fresh by `watch`.

    For threads: `refresh`, `channel`; for an event loop: `watch`. Reading the table blocks nobody.
    """

    def __init__(self, database: Database, settings: Settings, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._forward_timeout_s = settings.forward_timeout_s
        self._total_timeout_s = settings.total_timeout_s
        self._heartbeat_timeout_s = settings.heartbeat_timeout_s
        self._table: RoutingTable | None = None
        self._heartbeats: Heartbeats = {}
        self._breakers = Breakers(settings.breaker_failures, settings.breaker_pause_s)
        self._limit_of = partial(_limit_of, settings=settings)

    def table(self) -> RoutingTable:
        """The table in force. Raises TableAway where it was never loaded."""
        if self._table is None:
            raise TableAway
        return self._table

    def is_online(self, mediator_id: uuid.UUID) -> bool:
        """Whether a mediator takes calls now, by its flag and its last heartbeat."""
        given, last_heartbeat = self._heartbeats.get(mediator_id, (False, None))
        if last_heartbeat is None:
            return given
        return is_online(given, last_heartbeat, utc_now(), self._heartbeat_timeout_s)

    def refresh(self) -> None:
        """Look at the database once and recompile after a change. Raises SQLAlchemyError."""
        with self._database.reading() as session:
            self._heartbeats = {
                row.id: (row.is_online, row.last_heartbeat)
                for row in session.execute(
                    select(Mediator.id, Mediator.is_online, Mediator.last_heartbeat)
                )
            }
            version = current_version(session)
            if self._table is None or version != self._table.version:
                self._table = load_table(
                    session,
                    version,
                    self._forward_timeout_s,
                    self._total_timeout_s,
                    self._sealer,
                    limit_of=self._limit_of,
                    breakers=self._breakers,
                )
                log.info("routing_loaded", version=version, process=os.getpid())

    async def load(self, reader: Reader, stopping: asyncio.Event) -> None:
        """Load the table; a database that is away is waited for, until `stopping`."""
        while not stopping.is_set():
            try:
                await reader.run(self.refresh)
                return
            except (SQLAlchemyError, TimeoutError) as exc:
                log.warning("routing_not_loaded", reason=type(exc).__name__)
                await asyncio.sleep(POLL_S)

    async def watch(self, reader: Reader) -> None:
        """Keep the table fresh until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await reader.run(self.refresh)
                changed = self._breakers.changed()
                if changed:
                    await reader.run(partial(self._note_circuits, changed))
            except (SQLAlchemyError, TimeoutError) as exc:
                log.warning("routing_not_refreshed", reason=type(exc).__name__)

    def _note_circuits(self, changed: Mapping[uuid.UUID, datetime | None]) -> None:
        """Say for people which circuits are open; no change of the routing table."""
        with self._database.writing() as session:
            for mediator_id, open_until in changed.items():
                session.execute(
                    update(Mediator)
                    .where(Mediator.id == mediator_id)
                    .values(
                        circuit_open_until=open_until,
                        updated_at=Mediator.updated_at,
                        revision=Mediator.revision,
                    )
                    .execution_options(synchronize_session=False)
                )

    async def channel(
        self, channel_id: uuid.UUID | int | None, reader: Reader
    ) -> RoutedChannel | None:
        """An active channel by its id, or by the number that it had at the Django mediator.

        One that is not known is looked for once more.
        """
        if channel_id is None:
            return None
        found = self.table().channel(channel_id)
        if found is None:
            await reader.run(self.refresh)
            found = self.table().channel(channel_id)
        return found


class TableAway(Unavailable):
    """The routing table has not been loaded yet: the database is away."""

    def __init__(self) -> None:
        super().__init__("The database cannot be reached")


def _limit_of(client: Client, *, settings: Settings) -> Limit | None:
    """A client's own limits, else the installation's, as this process's share."""
    rate = client.max_rate if client.max_rate is not None else settings.client_max_rate
    concurrent = client.max_concurrent or settings.client_max_concurrent
    return share(rate, concurrent, settings.web_concurrency)


def _unlimited(_client: Client) -> Limit | None:
    return None


def load_table(
    session: Session,
    version: int,
    forward_timeout_s: float,
    total_timeout_s: float = inf,
    sealer: Sealer | None = None,
    *,
    limit_of: Callable[[Client], Limit | None] = _unlimited,
    breakers: Breakers | None = None,
) -> RoutingTable:
    """Compile what is stored; a record that does not compile is left out and logged.

    The time-outs are for channels that have none of their own. Without `sealer` the table is for
    looking only: mediators' credentials and certificates are not in it.
    """
    by_channel: dict[uuid.UUID | None, dict[str, Registration]] = {}
    for row in session.scalars(
        select(ExternalSystemRegistration).where(ExternalSystemRegistration.is_active)
    ):
        allow = None if row.allow is None else frozenset(row.allow)
        entry = Registration(row.organization, row.api_code, row.push_code, allow)
        by_channel.setdefault(row.channel_id, {})[row.organization_key] = entry
    breakers = breakers or Breakers()
    mediators = {str(one.id): one for one in session.scalars(select(Mediator))}
    candidates, channels = [], {}
    for channel in session.scalars(select(Channel).where(Channel.is_active)):
        try:
            candidates.append(_candidate(channel))
            to = channel.mediator
            routed = _routed(
                channel,
                by_channel.get(channel.id, {}),
                forward_timeout_s,
                total_timeout_s,
                breakers.of(to.id, to.urn, to.endpoint_url),
            )
            if sealer is not None:
                routed = _secured(routed, channel, mediators, sealer)
            channels[channel.id] = routed
        except (Invalid, ValueError) as exc:
            log.error("channel_left_out", channel=channel.name, reason=str(exc))
    usable = [one for one in candidates if one.id in channels]
    active = session.scalars(select(Client).where(Client.is_active))
    clients = {row: _client(row, limit_of(row)) for row in active}
    return RoutingTable(
        version=version,
        clients={client.client_id: client for client in clients.values()},
        token_holders={
            row.token_digest: client for row, client in clients.items() if row.token_digest
        },
        certificates=_by_certificate(clients.values()),
        index=ChannelIndex(one for one in usable if channels[one.id].has_path),
        inbound=ChannelIndex(one for one in usable if not channels[one.id].has_path),
        channels=channels,
        global_registrations=by_channel.get(None, {}),
        has_public=any(one.is_public and one.has_path for one in channels.values()),
        former_channels={
            int(former_id): row.record_id
            for former_id, row in former_of_kind(session, FormerRecord, "channel").items()
        },
    )


def _client(client: Client, limit: Limit | None) -> RoutedClient:
    return RoutedClient(
        client_id=client.client_id,
        secret_hashes=tuple(secret.secret_hash for secret in client.secrets),
        allowed_networks=tuple(parsed_network(text) for text in client.allowed_ips),
        groups=frozenset({client.client_id, *client.roles}),
        scopes=frozenset(client.scopes),
        certificates=tuple(client.certificates),
        limit=limit,
        since=client.created_at.timestamp(),
        fields=client_fields(client.client_id, client.name),
    )


def _by_certificate(clients: Iterable[RoutedClient]) -> dict[str, RoutedClient]:
    """Each certificate's client; one that two clients claim is nobody's."""
    owners: dict[str, list[RoutedClient]] = {}
    for client in clients:
        for name in client.certificates:
            owners.setdefault(name, []).append(client)
    for several in owners.values():
        if len(several) > 1:
            named = [client.client_id for client in several]
            log.error("certificate_of_several_clients", clients=named)
    return {name: several[0] for name, several in owners.items() if len(several) == 1}


def client_fields(client_id: str, name: str) -> tuple[tuple[str, str], ...]:
    """What tells a mediator who calls; text beyond ASCII as its UTF-8 bytes."""
    pairs = ((CLIENT_ID_HEADER, client_id), (CLIENT_NAME_HEADER, name))
    return tuple(
        (field, "".join(filter(str.isprintable, text)).encode().decode("latin-1"))
        for field, text in pairs
    )


def _candidate(channel: Channel) -> CandidateChannel:
    return CandidateChannel(
        id=channel.id,
        name=channel.name,
        pattern=compile_pattern(channel.path_pattern),
        methods=frozenset(channel.methods),
        priority=channel.priority,
        mediator_id=channel.mediator_id,
        content=content_rule(channel.match_content_types, channel.match_body),
    )


def _shadowing(channel: Channel) -> Shadowing | None:
    if not channel.shadow_url:
        return None
    return Shadowing(Endpoint.parse(channel.shadow_url), channel.shadow_unsafe)


def _secured(
    routed: RoutedChannel, channel: Channel, mediators: Mapping[str, Mediator], sealer: Sealer
) -> RoutedChannel:
    """The channel with its endpoint's own TLS, what that is shown, and its secondary routes.

    Raises ValueError.
    """
    mediator, limits = channel.mediator, (routed.timeout_s, routed.total_timeout_s)
    return replace(
        routed,
        endpoint=Endpoint.parse(mediator.endpoint_url, tls_for(sealer, mediator)),
        credentials=field_for(sealer, mediator),
        routes=compiled_routes(sealer, channel, mediators, *limits),
    )


def _routed(
    channel: Channel,
    registrations: Mapping[str, Registration],
    forward_timeout_s: float,
    total_timeout_s: float,
    breaker: Breaker,
) -> RoutedChannel:
    schema = channel.request_body_schema
    endpoint = Endpoint.parse(channel.mediator.endpoint_url)
    return RoutedChannel(
        id=channel.id,
        name=channel.name,
        pattern=channel.path_pattern,
        endpoint=endpoint,
        allow=frozenset(channel.allow),
        timeout_s=channel.timeout_s or forward_timeout_s,
        requires_request_body=channel.requires_request_body,
        request_content_type=channel.request_content_type.partition(";")[0].strip().lower(),
        request_body_schema=compile_schema(schema) if schema is not None else None,
        store_request_body=channel.store_request_body,
        store_response_body=channel.store_response_body,
        keep_whole_bodies=channel.keep_whole_bodies,
        requires_tls=channel.channel_type is ChannelType.HTTPS,
        registrations=registrations,
        total_timeout_s=channel.total_timeout_s or total_timeout_s,
        async_passthrough=channel.async_passthrough,
        response_retention_days=channel.response_retention_days,
        endpoint_url=channel.mediator.endpoint_url.rstrip("/"),
        methods=tuple(channel.methods),
        shadow=_shadowing(channel),
        is_public=channel.is_public,
        allowed_networks=tuple(parsed_network(text) for text in channel.allowed_addresses),
        always_async=channel.always_async,
        rewrite=rewrite_of(channel.rewrite_path, channel.rewrite_expression),
        addresses=addresses_of(endpoint) if channel.rewrite_urls else None,
        tell_client=channel.tell_client,
        forward_authorization=channel.forward_authorization,
        breaker=breaker,
        listening=listening_of(channel.listener) if channel.listener else None,
        schedule=schedule_of(**channel.polling) if channel.polling else None,
        acts_for=channel.acts_for,
        retry=_retry_rule(channel),
    )


def _retry_rule(channel: Channel) -> RetryRule | None:
    if channel.retry_period_s is None:
        return None
    return RetryRule(channel.retry_period_s, channel.retry_max_attempts)
