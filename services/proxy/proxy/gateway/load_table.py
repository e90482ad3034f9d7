"""Compiles the routing table from what is stored; what does not compile is left out and logged."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf

from common.errors import Invalid
from common.http.endpoint import Endpoint
from common.importing.former import former_of_kind
from common.logs import get_logger
from common.networks import parsed_network
from common.web.json_schemas import compile_schema
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.gateway.breaker import Breaker, Breakers
from proxy.gateway.limits import Limit
from proxy.gateway.match import CandidateChannel, ChannelIndex
from proxy.gateway.routing_table import (
    Registration,
    RetryRule,
    RoutedChannel,
    RoutedClient,
    RoutingTable,
    Shadowing,
)
from proxy.gateway.url_rewriting import addresses_of
from proxy.models import (
    Channel,
    ChannelType,
    Client,
    ExternalSystemRegistration,
    FormerRecord,
    Mediator,
)
from proxy.record.indexed_fields import fields_of
from proxy.record.masked_bodies import mask_of
from proxy.record.sealing import Sealer
from proxy.registry.content_match import content_rule
from proxy.registry.listening import listening_of
from proxy.registry.mediator_secrets import field_for, tls_for
from proxy.registry.patterns import compile_pattern
from proxy.registry.rewriting import rewrite_of
from proxy.registry.schedules import schedule_of
from proxy.registry.secondary_routes import compiled_routes

log = get_logger(__name__)

CLIENT_ID_HEADER, CLIENT_NAME_HEADER = "X-OpenHIM-ClientID", "X-Client-Name"


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
            candidate = _candidate(channel)
            candidates.append(candidate)
            to = channel.mediator
            routed = _routed(
                channel,
                candidate.pattern.start,
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
    literal: str,
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
        literal=literal,
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
        indexed_fields=fields_of(channel.indexed_fields),
        mask=mask_of(channel.masked_fields),
    )


def _retry_rule(channel: Channel) -> RetryRule | None:
    if channel.retry_period_s is None:
        return None
    return RetryRule(channel.retry_period_s, channel.retry_max_attempts)
