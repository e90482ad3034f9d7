"""Steps 1–6 of a call: who asks, from where, for which channel, on behalf of whom. Pure."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl

from common.settings import Network

from proxy.gateway import refusals
from proxy.gateway.call import Call, parsed_address
from proxy.gateway.matching import Matched, NoMethod, NoPath, nearest
from proxy.gateway.routing_table import (
    Registration,
    RoutedChannel,
    RoutedClient,
    Routing,
    RoutingTable,
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller claims to be."""

    client_id: str
    secret: str = field(repr=False)


def claimed_credentials(headers: Mapping[str, str]) -> Credentials | None:
    """`X-Client-Id` with `X-Client-Secret`, else HTTP Basic, else None."""
    client_id, secret = headers.get("X-Client-Id", ""), headers.get("X-Client-Secret", "")
    if client_id and secret:
        return Credentials(client_id, secret)
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = decoded.partition(":")
    return Credentials(client_id, secret) if colon and client_id else None


def authenticate(
    credentials: Credentials | None,
    clients: Mapping[str, RoutedClient],
    check: Callable[[str, str, Sequence[str]], bool],
) -> RoutedClient:
    """Steps 1 and 2. An unknown client costs as much time as a wrong secret."""
    if credentials is None:
        raise refusals.AuthenticationRequired
    client = clients.get(credentials.client_id)
    hashes = client.secret_hashes if client else ()
    if not check(credentials.client_id, credentials.secret, hashes) or client is None:
        raise refusals.InvalidCredentials
    return client


def check_address(client: RoutedClient, address: str) -> None:
    """Step 3."""
    if client.allowed_networks and not _within(address, client.allowed_networks):
        raise refusals.AddressNotAllowed


@lru_cache(maxsize=4096)
def _within(address: str, networks: tuple[Network, ...]) -> bool:
    parsed = parsed_address(address)
    return parsed is not None and any(parsed in network for network in networks)


def choose_channel(
    call: Call, table: RoutingTable, routing: Routing, name: str | None = None
) -> RoutedChannel:
    """Step 4; with `name` only that channel is considered, and its path pattern is not."""
    path = call.path
    if name is None:
        verdict = table.index.match(call.method, path, routing.is_online)
    else:
        verdict = table.index.match_named(name, call.method, routing.is_online)
    if isinstance(verdict, Matched):
        return table.channels[verdict.channel.id]
    if isinstance(verdict, NoPath):
        raise refusals.NoChannel(nearest(table.index, call.method, path, routing.is_online))
    if isinstance(verdict, NoMethod):
        raise refusals.MethodNotAllowed(verdict.allow)
    raise refusals.MediatorOffline


def check_allowed(client: RoutedClient, channel: RoutedChannel) -> None:
    """Step 5."""
    if channel.allow and not (channel.allow & client.groups):
        raise refusals.ClientNotAllowed


def find_registration(call: Call, registrations: Mapping[str, Registration]) -> Registration:
    """Step 6, where a registration decides."""
    named = {
        name.strip().casefold()
        for name in (call.headers.get("X-Organization", ""), query_value(call, "organization"))
        if name.strip()
    }
    if not named:
        raise refusals.OrganizationRequired
    if len(named) > 1:
        raise refusals.AmbiguousRegistration
    registration = registrations.get(named.pop())
    if registration is None:
        raise refusals.NoRegistration
    return registration


def query_value(call: Call, name: str) -> str:
    """The first value of a query parameter, or an empty text."""
    if name not in call.raw_query:
        return ""
    pairs = parse_qsl(call.raw_query, keep_blank_values=True, errors="replace")
    return next((value for key, value in pairs if key == name), "")
