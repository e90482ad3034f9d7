"""A call by channel id becomes the same kind of call that a path makes."""

import io
import json
from dataclasses import replace
from typing import Any

from common.errors import Invalid

from proxy.errors import UnknownRecord
from proxy.gateway.call import Call
from proxy.gateway.json_text import member_texts
from proxy.gateway.routing_table import RoutedChannel, Routing

_CREDENTIALS = ("Authorization", "X-Client-Id", "X-Client-Secret")
#: Headers of the outer request that mean the inner one as well.
_CARRIED = ("Idempotency-Key", "Prefer", "Traceparent", "X-Async", "X-Esb-Mode", "X-Organization")


def as_call(given: dict[str, Any], raw: str, edge: Call, routing: Routing) -> tuple[Call, str]:
    """The call that `given` (its text is `raw`) describes, and the name of its channel.

    Raises UnknownRecord for an inactive or unknown channel, Invalid when a path is needed.
    """
    channel = routing.channel(given["channel_id"])
    if channel is None:
        raise UnknownRecord("channel")
    body = body_bytes(raw)
    headers = {name.title(): value for name, value in given["headers"].items()}
    headers |= {
        name: edge.headers[name] for name in (*_CREDENTIALS, *_CARRIED) if name in edge.headers
    }
    if body:
        headers["Content-Type"] = given["content_type"]
    if given["is_async"]:
        headers["X-Async"] = "true"
    if "organization" in given:
        headers["X-Organization"] = given["organization"]
    if "esb_mode" in given:
        headers["X-Esb-Mode"] = given["esb_mode"]
    call = replace(
        edge,
        method=given["method"],
        raw_path=given.get("path") or own_path(channel),
        raw_query=given["query"],
        headers=headers,
        content_length=len(body),
        stream=io.BytesIO(body),
    )
    return call, channel.name


def own_path(channel: RoutedChannel) -> str:
    """The path that a channel's pattern names. Raises Invalid where it names none."""
    if channel.pattern.startswith("^"):
        reason = "This channel's pattern is an expression: say which path is meant."
        raise Invalid(f"path: {reason}", {"path": [reason]})
    return channel.pattern.removesuffix("*")


def body_bytes(raw: str) -> bytes:
    """The member `body` as it is spelled; a JSON text as its characters, none as nothing."""
    text = member_texts(raw).get("body", "null")
    if text == "null":
        return b""
    value = json.loads(text) if text.startswith('"') else text
    return str(value).encode("utf-8", "replace")
