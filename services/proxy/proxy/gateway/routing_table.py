"""The compiled routing table of a process, and how it follows the database.

Requests read one immutable `RoutingTable`. A watcher compares the version counter every
`POLL_S`, recompiles after a change, and reads the mediators' heartbeats beside it.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import jsonschema
from common.clock import utc_now
from common.database import Database
from common.logs import get_logger
from common.settings import Network
from common.upstream import Endpoint
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.errors import BadPattern
from proxy.gateway.matching import CandidateChannel, ChannelIndex, compile_pattern
from proxy.mediators import is_online
from proxy.models import Channel, ChannelType, Client, ExternalSystemRegistration, Mediator
from proxy.routing_version import current_version

log = get_logger(__name__)

POLL_S = 0.4


@dataclass(frozen=True, slots=True)
class RoutedClient:
    """A client as the hot path needs it."""

    client_id: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    allowed_networks: tuple[Network, ...]
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Registration:
    """An organization's codes on the bus."""

    organization: str
    api_code: str
    push_code: str


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
    request_body_schema: Validator | None
    store_request_body: bool
    store_response_body: bool
    keep_whole_bodies: bool
    requires_tls: bool
    registrations: Mapping[str, Registration]


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Everything a call is decided by, as of one version."""

    version: int
    clients: Mapping[str, RoutedClient]
    index: ChannelIndex
    channels: Mapping[uuid.UUID, RoutedChannel]
    global_registrations: Mapping[str, Registration]


Heartbeats = Mapping[uuid.UUID, tuple[bool, datetime | None]]


class Routing:
    """The current table of this process; loads it at first use and keeps it fresh."""

    def __init__(
        self,
        database: Database,
        *,
        forward_timeout_s: float,
        heartbeat_timeout_s: float,
        offload: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._database = database
        self._forward_timeout_s = forward_timeout_s
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._offload = offload
        self._table: RoutingTable | None = None
        self._heartbeats: Heartbeats = {}
        self._starting = threading.Lock()

    def table(self) -> RoutingTable:
        """The table in force. The first call loads it; raises SQLAlchemyError when that fails."""
        if self._table is None:
            with self._starting:
                if self._table is None:
                    self.refresh()
                    threading.Thread(target=self._watch, name="routing", daemon=True).start()
        assert self._table is not None
        return self._table

    def channel(self, channel_id: uuid.UUID | None) -> RoutedChannel | None:
        """An active channel by its id; one that is not known is looked for once more."""
        if channel_id is None:
            return None
        if channel_id not in self.table().channels:
            self.refresh()
        return self.table().channels.get(channel_id)

    def is_online(self, mediator_id: uuid.UUID) -> bool:
        """Whether a mediator takes calls now, by its flag and its last heartbeat."""
        given, last_heartbeat = self._heartbeats.get(mediator_id, (False, None))
        if last_heartbeat is None:
            return given
        return is_online(given, last_heartbeat, utc_now(), self._heartbeat_timeout_s)

    def refresh(self) -> None:
        """Look at the database once and recompile after a change."""
        self._offload(self._read)

    def _read(self) -> None:
        with self._database.reading() as session:
            self._heartbeats = {
                row.id: (row.is_online, row.last_heartbeat)
                for row in session.execute(
                    select(Mediator.id, Mediator.is_online, Mediator.last_heartbeat)
                )
            }
            version = current_version(session)
            if self._table is None or version != self._table.version:
                self._table = load_table(session, version, self._forward_timeout_s)

    def _watch(self) -> None:
        while True:
            time.sleep(POLL_S)
            try:
                self.refresh()
            except SQLAlchemyError as exc:
                log.warning("routing_not_refreshed", reason=type(exc).__name__)


def load_table(session: Session, version: int, forward_timeout_s: float) -> RoutingTable:
    """Compile what is stored. A record that does not compile is left out and logged."""
    by_channel: dict[uuid.UUID | None, dict[str, Registration]] = {}
    for row in session.scalars(
        select(ExternalSystemRegistration).where(ExternalSystemRegistration.is_active)
    ):
        entry = Registration(row.organization, row.api_code, row.push_code)
        by_channel.setdefault(row.channel_id, {})[row.organization_key] = entry
    candidates, channels = [], {}
    for channel in session.scalars(select(Channel).where(Channel.is_active)):
        try:
            candidates.append(_candidate(channel))
            channels[channel.id] = _routed(
                channel, by_channel.get(channel.id, {}), forward_timeout_s
            )
        except (BadPattern, ValueError, jsonschema.SchemaError) as exc:
            log.error("channel_left_out", channel=channel.name, reason=str(exc))
    clients = session.scalars(select(Client).where(Client.is_active))
    return RoutingTable(
        version=version,
        clients={client.client_id: _client(client) for client in clients},
        index=ChannelIndex(one for one in candidates if one.id in channels),
        channels=channels,
        global_registrations=by_channel.get(None, {}),
    )


def _client(client: Client) -> RoutedClient:
    return RoutedClient(
        client_id=client.client_id,
        secret_hashes=tuple(secret.secret_hash for secret in client.secrets),
        allowed_networks=tuple(ip_network(text, strict=False) for text in client.allowed_ips),
        groups=frozenset({client.client_id, *client.roles}),
    )


def _candidate(channel: Channel) -> CandidateChannel:
    return CandidateChannel(
        id=channel.id,
        name=channel.name,
        pattern=compile_pattern(channel.path_pattern),
        methods=frozenset(channel.methods),
        priority=channel.priority,
        mediator_id=channel.mediator_id,
    )


def _routed(
    channel: Channel,
    registrations: Mapping[str, Registration],
    forward_timeout_s: float,
) -> RoutedChannel:
    schema = channel.request_body_schema
    return RoutedChannel(
        id=channel.id,
        name=channel.name,
        pattern=channel.path_pattern,
        endpoint=Endpoint.parse(channel.mediator.endpoint_url),
        allow=frozenset(channel.allow),
        timeout_s=channel.timeout_s or forward_timeout_s,
        requires_request_body=channel.requires_request_body,
        request_content_type=channel.request_content_type.partition(";")[0].strip().lower(),
        request_body_schema=validator_for(schema)(schema) if schema is not None else None,
        store_request_body=channel.store_request_body,
        store_response_body=channel.store_response_body,
        keep_whole_bodies=channel.keep_whole_bodies,
        requires_tls=channel.channel_type is ChannelType.HTTPS,
        registrations=registrations,
    )
