"""What a channel demands of a request body. Pure."""

from common.web.json_schemas import Break, CompiledSchema, broken_in

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


def has_schema(call: Call, channel: RoutedChannel) -> bool:
    """Whether the body is looked into, and must be read whole (`read_bounded`)."""
    return channel.request_body_schema is not None and call.method not in BODILESS_METHODS


def check_body(
    call: Call, body: Body, channel: RoutedChannel, rules_max_bytes: int = RULES_MAX_BYTES
) -> None:
    """Raise the rule that `body` breaks, if any; where a schema is asked it must be whole.

    A schema is asked about bodies of at most `rules_max_bytes`, as they came and unpacked.
    """
    schema = schema_to_ask(call, body, channel)
    if schema is not None:
        refuse_broken(broken_in(schema, unpacked_body(call, body, rules_max_bytes)))


def schema_to_ask(call: Call, body: Body, channel: RoutedChannel) -> CompiledSchema | None:
    """The schema that a body must keep, if any. Raises what else of the rules it breaks."""
    if call.method in BODILESS_METHODS:
        return None
    if not body.head:
        if channel.requires_request_body:
            raise BodyRequired
        return None
    expected = channel.request_content_type
    if expected and media_type(call.headers.get("Content-Type", "")) != expected:
        raise UnsupportedContentType(expected)
    return channel.request_body_schema


def unpacked_body(call: Call, body: Body, max_bytes: int) -> bytes:
    """A body, which is whole, without its codings. Raises why it cannot be looked into."""
    try:
        return decoded_body(body.head, call.headers.get("Content-Encoding", ""), max_bytes)
    except DecodedTooLarge as exc:
        raise BodyRulesTooLarge(max_bytes) from exc
    except UnknownCoding as exc:
        raise UnsupportedContentCoding from exc
    except NotDecoded as exc:
        raise BodyBreaksSchema("", f"not packed as its Content-Encoding says: {exc}") from exc


def refuse_broken(broken: Break | None) -> None:
    """Raise the rule of a schema that was broken, if one was."""
    if broken is not None:
        pointer = storable(broken.pointer, MAX_NAMED_CHARS)
        raise BodyBreaksSchema(pointer, storable(broken.reason, MAX_NAMED_CHARS))


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
