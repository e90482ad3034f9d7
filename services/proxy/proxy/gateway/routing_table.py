"""What calls are decided by: the clients, channels and registrations of one version, compiled."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from common.http.endpoint import Endpoint
from common.settings import Network
from common.web.json_schemas import CompiledSchema

from proxy.access.certificates import Presented
from proxy.gateway.breaker import Breaker
from proxy.gateway.call import Call
from proxy.gateway.limits import Limit
from proxy.gateway.match import ChannelIndex
from proxy.models import USUAL_RESPONSE_RETENTION_DAYS
from proxy.record.bodies import Mask
from proxy.record.indexed_fields import IndexedField
from proxy.registry.listening import Listening
from proxy.registry.rewriting import Rewrite
from proxy.registry.schedules import Schedule
from proxy.registry.secondary_routes import SecondaryRoute


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
    #: The start that all paths of its pattern share.
    literal: str = ""
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
    #: What calls are found by in bodies; none for almost every channel.
    indexed_fields: tuple[IndexedField, ...] = ()
    #: What is kept of the texts of bodies; None for almost every channel: all.
    mask: Mask | None = None


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
