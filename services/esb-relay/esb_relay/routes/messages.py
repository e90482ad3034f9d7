"""Messages read once: their bodies as they are spelled, the rest by the schema."""

import json

import marshmallow as ma
from flask_smorest import abort
from werkzeug.exceptions import UnsupportedMediaType

from esb_relay.relaying import Message
from esb_relay.schemas.relay import RelayIn
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.json_span import members

_SCHEMA = RelayIn(exclude=["body"])


def read_message(media_type: str, raw: bytes, organization: str | None) -> Message:
    """The message in a request. Raises MalformedText, or werkzeug's 415 and 422."""
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("The body must be JSON: Content-Type application/json")
    found = members(decode_text(raw))
    body = found.pop("body", None)
    try:
        given = _SCHEMA.load({name: json.loads(member.text) for name, member in found.items()})
    except ma.ValidationError as exc:
        abort(422, errors=exc.messages)
    return Message(**given, body=None if body is None else body.text, organization=organization)
