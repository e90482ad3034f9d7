"""What a channel demands of a request body. Pure."""

import json
import math
from typing import Any

from common.http.codings import codings_of
from common.web.json_schemas import CompiledSchema, first_break

from proxy.gateway.call import Body, Call
from proxy.gateway.rejections import (
    BodyBreaksSchema,
    BodyRequired,
    BodyRulesTooLarge,
    UnsupportedContentCoding,
    UnsupportedContentType,
)
from proxy.gateway.routing_table import RoutedChannel
from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, decoded_body
from proxy.record.rows import storable

#: Methods whose body means nothing (RFC 9110 §9.3).
BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of the names that a body holds, a reason repeats no more than this.
MAX_NAMED_CHARS = 1_000
#: What is looked into unless `BODY_RULES_MAX_BYTES` says otherwise.
RULES_MAX_BYTES = 1024 * 1024
#: Larger bodies take milliseconds to be looked into: that belongs off an event loop.
HEAVY_BYTES = 64 * 1024


def has_schema(call: Call, channel: RoutedChannel) -> bool:
    """Whether the body is looked into, and must be read whole (`read_bounded`)."""
    return channel.request_body_schema is not None and call.method not in BODILESS_METHODS


def is_heavy(call: Call, body: Body, channel: RoutedChannel) -> bool:
    """Whether `check_body` may take longer than a call on the same event loop should wait."""
    if not has_schema(call, channel):
        return False
    is_packed = bool(codings_of(call.headers.get("Content-Encoding", "")))
    return is_packed or not body.is_whole or len(body.head) > HEAVY_BYTES


def check_body(
    call: Call, body: Body, channel: RoutedChannel, rules_max_bytes: int = RULES_MAX_BYTES
) -> None:
    """Raise the rule that `body` breaks, if any; where a schema is asked it must be whole.

    A schema is asked about bodies of at most `rules_max_bytes`, as they came and unpacked.
    """
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
        data = _unpacked(body.head, call.headers.get("Content-Encoding", ""), rules_max_bytes)
        _check_schema(data, channel.request_body_schema)


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


async def read_bounded(body: Body, max_bytes: int) -> bytes:
    """All of a body that is looked into. Raises BodyRulesTooLarge, early where it can."""
    length = len(body.head) if body.is_whole else body.length
    if length is not None and length > max_bytes:
        raise BodyRulesTooLarge(max_bytes)
    data = await body.read_whole()
    if len(data) > max_bytes:
        raise BodyRulesTooLarge(max_bytes)
    return data


def _unpacked(data: bytes, encoding: str, max_bytes: int) -> bytes:
    try:
        return decoded_body(data, encoding, max_bytes)
    except DecodedTooLarge as exc:
        raise BodyRulesTooLarge(max_bytes) from exc
    except UnknownCoding as exc:
        raise UnsupportedContentCoding from exc
    except NotDecoded as exc:
        raise BodyBreaksSchema("", f"not packed as its Content-Encoding says: {exc}") from exc


def _check_schema(data: bytes, schema: CompiledSchema) -> None:
    broken = first_break(schema, _document(data))
    if broken is not None:
        pointer = storable(broken.pointer, MAX_NAMED_CHARS)
        raise BodyBreaksSchema(pointer, storable(broken.reason, MAX_NAMED_CHARS))


def _document(data: bytes) -> Any:
    """The body as `json.loads` gives it. The reasons of BodyBreaksSchema repeat none of it."""
    try:
        return json.loads(data, parse_float=_finite, parse_constant=_finite)
    except json.JSONDecodeError as exc:
        raise BodyBreaksSchema("", f"not JSON: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise BodyBreaksSchema("", f"not JSON: no {exc.encoding} at byte {exc.start}") from exc
    except ValueError as exc:
        reason = "not JSON: a number is not finite, or has thousands of digits"
        raise BodyBreaksSchema("", reason) from exc
    except RecursionError as exc:
        raise BodyBreaksSchema("", "nested too deeply") from exc


def _finite(text: str) -> float:
    """A number that JSON knows: `NaN` and `Infinity` are none, and what rounds to it counts too."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number
