"""Step 7: what a channel demands of a request body. Pure."""

import json

from proxy.gateway.call import Body, Call
from proxy.gateway.refusals import BodyBreaksSchema, BodyRequired, UnsupportedContentType
from proxy.gateway.routing_table import RoutedChannel

#: Methods whose body means nothing (RFC 9110 §9.3).
BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_body(call: Call, body: Body, channel: RoutedChannel) -> None:
    """Raise the rule that `body` breaks, if any."""
    if call.method in BODILESS_METHODS:
        return
    if not body.head:
        if channel.requires_request_body:
            raise BodyRequired
        return
    expected = channel.request_content_type
    if expected and media_type(call.headers.get("Content-Type", "")) != expected:
        raise UnsupportedContentType(expected)
    if channel.request_body_schema is not None:
        _check_schema(body.read_whole(), channel)


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def _check_schema(body: bytes, channel: RoutedChannel) -> None:
    assert channel.request_body_schema is not None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BodyBreaksSchema("", f"not JSON: {exc}") from exc
    broken = next(channel.request_body_schema.iter_errors(document), None)
    if broken is not None:
        raise BodyBreaksSchema(json_pointer(list(broken.absolute_path)), broken.message)


def json_pointer(path: list[str | int]) -> str:
    """RFC 6901: `/persons/0/name`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
