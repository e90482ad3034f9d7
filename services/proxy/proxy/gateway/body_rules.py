"""Step 7: what a channel demands of a request body. Pure."""

import json
import math

from common.json_schemas import first_break

from proxy.gateway.call import Body, Call
from proxy.gateway.recording import storable
from proxy.gateway.refusals import BodyBreaksSchema, BodyRequired, UnsupportedContentType
from proxy.gateway.routing_table import RoutedChannel

#: Methods whose body means nothing (RFC 9110 §9.3).
BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of what a body holds, a reason repeats no more than this.
MAX_TOLD_CHARS = 1_000


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
        document = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except ValueError as exc:
        raise BodyBreaksSchema("", f"not JSON: {exc}") from exc
    except RecursionError as exc:
        raise BodyBreaksSchema("", "nested too deeply") from exc
    broken = first_break(channel.request_body_schema, document)
    if broken is not None:
        pointer = storable(broken.pointer, MAX_TOLD_CHARS)
        raise BodyBreaksSchema(pointer, storable(broken.reason, MAX_TOLD_CHARS))


def _finite(text: str) -> float:
    """A number that JSON knows: `NaN` and `Infinity` are none, and what rounds to it counts too."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number
