"""What becomes of a call on record under a routing table, all mediators being online. Pure."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from proxy.gateway.call import Body, Call, split_target
from proxy.gateway.channel_choice import (
    check_allowed,
    check_may_act,
    choose_channel,
    find_registration,
    takers_by_type,
)
from proxy.gateway.forward import target_of
from proxy.gateway.rejections import NoChannel, RejectedCall
from proxy.gateway.routing_table import NOBODY, RoutedChannel, RoutedClient, RoutingTable
from proxy.registry.body_rules import check_body, has_schema


class Undecided(Exception):
    """A rule asks for a body that is not kept whole."""


@dataclass(frozen=True)
class Recorded:
    """What of a call on record decides where it goes; its body apart."""

    correlation_id: uuid.UUID
    started_at: datetime
    client_name: str
    client_address: str
    request_method: str
    request_url: str
    request_headers: dict[str, Any]
    request_body_length: int | None


@dataclass(frozen=True)
class Decision:
    """What becomes of a call: a channel and where it sends it, or why it is rejected."""

    channel: str | None
    words: str


def call_path(url: str) -> str:
    """The path that channels are matched with."""
    return unquote(split_target(url)[0])


def call_of(row: Recorded) -> Call:
    """The call as it came, as far as the record knows it; its body is unpacked there."""
    raw_path, raw_query = split_target(row.request_url)
    headers = {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in row.request_headers.items()
        if name.lower() != "content-encoding"
    }
    return Call(
        correlation_id=row.correlation_id,
        started_at=row.started_at,
        started_ns=0,
        method=row.request_method,
        raw_path=raw_path,
        raw_query=raw_query,
        headers=headers,
        address=row.client_address,
        host="",
        scheme="http",
        # Of what came in pieces nobody knows how long it was: not empty.
        content_length=1 if row.request_body_length is None else row.request_body_length,
        stream=None,
    )


def decision(
    table: RoutingTable, client_id: str, call: Call, body: bytes | None, limit: int
) -> Decision:
    """What becomes of a call under a table. Raises Undecided."""
    client = table.clients.get(client_id) or _unknown(client_id)
    try:
        channel = _channel(table, call, body)
        check_allowed(client, channel, call.address)
        if channel.registrations:
            check_may_act(client, find_registration(call, channel.registrations))
        _check_body(call, channel, body, limit)
        target = "the bus" if channel.registrations else _target(call, channel)
    except RejectedCall as rejected:
        return Decision(None, f"{rejected.status} {rejected.reason}")
    return Decision(str(channel.id), f"{channel.name}: {target}")


def _channel(table: RoutingTable, call: Call, body: bytes | None) -> RoutedChannel:
    if not table.index.on_path(call.path):  # to name the nearest would take long
        raise NoChannel([])
    channel, candidate = choose_channel(call, table, _is_online)
    if candidate.content is None:
        return channel
    for one in takers_by_type(call, table, _is_online):
        rule = one.content.body if one.content is not None else None
        if rule is None or rule(_known(call, body)):
            return table.channels[one.id]
    raise NoChannel([])


def _check_body(call: Call, channel: RoutedChannel, body: bytes | None, limit: int) -> None:
    is_asked = has_schema(call, channel) and call.content_length
    head = _known(call, body) if is_asked else b"?" * bool(call.content_length)
    check_body(call, Body(head, len(head)), channel, limit)


def _known(call: Call, body: bytes | None) -> bytes:
    if body is None and call.content_length:
        raise Undecided
    return body or b""


def _target(call: Call, channel: RoutedChannel) -> str:
    path = target_of(call, channel).partition("?")[0]
    return f"{channel.endpoint.authority}{path}"


def _unknown(client_id: str) -> RoutedClient:
    """A client that is not there any more, or nobody."""
    return RoutedClient(client_id, (), (), frozenset({client_id})) if client_id else NOBODY


def _is_online(_mediator_id: uuid.UUID) -> bool:
    return True
