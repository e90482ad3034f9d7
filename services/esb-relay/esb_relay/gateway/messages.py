"""Messages read once: their bodies as they are spelled, the rest by the schema."""

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import marshmallow as ma
from common.errors import Invalid, UnsupportedMedia
from common.web.problems import first_reason

from esb_relay.engine.relaying import Message
from esb_relay.schemas.relay import RelayIn
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.json_span import members

_SCHEMA = RelayIn(exclude=["body"])


def read_message(media_type: str, raw: bytes, organization: str) -> Message:
    """The message in a request; `organization` is its header, UTF-8 read as latin-1.

    Raises MalformedText, UnsupportedMedia, Invalid.
    """
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMedia("The body must be JSON: Content-Type application/json")
    found = members(decode_text(raw))
    body = found.pop("body", None)
    try:
        terms = _terms(tuple((name, member.text) for name, member in found.items()))
    except ma.ValidationError as exc:
        messages = exc.normalized_messages()
        raise Invalid(first_reason(messages), messages) from exc
    return Message(
        **terms,
        body=None if body is None else body.text,
        organization=organization.encode("latin-1", "replace").decode("utf-8", "replace") or None,
    )


@lru_cache(maxsize=1_000)
def _terms(members_but_body: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """What the schema makes of them: callers send the same ones again and again."""
    given = {name: json.loads(text) for name, text in members_but_body}
    return MappingProxyType(_SCHEMA.load(given))
