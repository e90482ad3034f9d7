"""For which channel a call is, and on whose behalf it may be made. Pure."""

import uuid
from collections.abc import Callable, Iterator, Mapping

from proxy.access.addresses import is_within
from proxy.gateway.call import Call, query_value
from proxy.gateway.match import CandidateChannel, Matched, NoMethod, NoPath
from proxy.gateway.rejections import (
    AddressNotAllowed,
    AmbiguousRegistration,
    AuthenticationRequired,
    ClientMayNotActForOrganization,
    ClientNotAllowed,
    MediatorOffline,
    MethodNotAllowed,
    NoChannel,
    NoRegistration,
    OrganizationRequired,
)
from proxy.gateway.routing_table import (
    NOBODY,
    Registration,
    RoutedChannel,
    RoutedClient,
    RoutingTable,
)
from proxy.registry.body_rules import media_type
from proxy.registry.why_not import nearest

#: Whether a mediator takes calls.
IsOnline = Callable[[uuid.UUID], bool]


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
