"""A call by channel id becomes the same kind of call that a path makes."""

import json
from dataclasses import replace
from typing import Any

from common.errors import Invalid

from proxy.gateway.call import Call, Whole
from proxy.gateway.routing_table import RoutedChannel
from proxy.record.json_text import member_texts

_CREDENTIALS = ("Authorization", "X-Client-Id", "X-Client-Secret")
#: Headers of the outer request that mean the inner one as well.
_CARRIED = ("Idempotency-Key", "Prefer", "Traceparent", "X-Async", "X-Esb-Mode", "X-Organization")


def as_call(given: dict[str, Any], raw: str, edge: Call, channel: RoutedChannel) -> Call:
    """The call that `given` (its text is `raw`) describes. Raises Invalid when a path is needed."""
    body = body_bytes(raw)
    headers = {name.title(): value for name, value in given["headers"].items() if "_" not in name}
    headers |= {
        name: edge.headers[name] for name in (*_CREDENTIALS, *_CARRIED) if name in edge.headers
    }
    if body:
        headers["Content-Type"] = given["content_type"]
    if given.get("is_async"):
        headers["X-Async"] = "true"
    elif "is_async" in given:  # said so, it wins over what the outer request prefers
        headers.pop("Prefer", None)
        headers.pop("X-Async", None)
    if "organization" in given:
        headers["X-Organization"] = given["organization"]
    if "esb_mode" in given:
        headers["X-Esb-Mode"] = given["esb_mode"]
    return replace(
        edge,
        method=given.get("method") or next(iter(channel.methods), "POST"),
        raw_path=given.get("path") or own_path(channel),
        raw_query=given["query"],
        headers=headers,
        content_length=len(body),
        stream=Whole(body),
    )


def own_path(channel: RoutedChannel) -> str:
    """The path that a channel's pattern names. Raises Invalid where it names none."""
    if channel.pattern.startswith("^"):
        reason = "This channel's pattern is an expression: say which path is meant."
        raise Invalid(f"path: {reason}", {"path": [reason]})
    return channel.pattern.removesuffix("*")


def body_bytes(raw: str) -> bytes:
    """The member `body` as it is spelled; a JSON text as its characters, none as nothing.

    Raises Invalid for what would not arrive as it was meant: half of a surrogate pair, `NaN`.
    """
    try:
        text = member_texts(raw.removeprefix("\ufeff")).get("body", "null")
    except (ValueError, RecursionError) as exc:
        reason = f"Must be JSON without NaN, unpaired surrogates and endless nesting: {exc}"
        raise Invalid(f"body: {reason}", {"body": [reason]}) from exc
    if text == "null":
        return b""
    value: str = json.loads(text) if text.startswith('"') else text
    return value.encode()
