"""An event on the wire, and what became of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.fields import Integer, JsonObject, Line, Moment, Name
from marshmallow import validate

from notification.emission import DEFAULT_MAX_ATTEMPTS, Emission, Recipient, Suppressed
from notification.models import ChannelCode
from notification.models.lookups import CODE_CHARS
from notification.models.outbox import ENTITY_CHARS
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.fields import Code, Language, Numbers, Schema

MAX_RECIPIENTS = 10_000
MAX_ATTEMPTS = 50
#: Event, rule, person and channel follow it in the keys of the messages.
REQUEST_KEY_CHARS = 200
PAYLOAD_CHARS = 16_384
FURTHEST = timedelta(days=366)

_OPTIONAL: dict[str, Any] = {"load_default": None, "allow_none": True}


class RecipientIn(Schema):
    """A person; without an address, a message that needs one is refused when it is sent."""

    user_id = Name(required=True, max_length=USER_ID_CHARS)
    actor_type = Name(required=True, max_length=CODE_CHARS)
    to_phone = Numbers(**_OPTIONAL)
    to_email = Line(max_length=320, **_OPTIONAL)
    preferred_lang = Language(blank=True, **_OPTIONAL)

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Recipient:
        """What is blank is as good as missing."""
        members: dict[str, Any] = {name: value or None for name, value in given.items()}
        return Recipient(**members)


#: The one recipient's members at the top of an event, by their names in a recipient.
_AT_THE_TOP = {
    "recipient_user_id": "user_id",
    "recipient_actor_type": "actor_type",
    "to_phone": "to_phone",
    "to_email": "to_email",
    "preferred_lang": "preferred_lang",
}


class EmitIn(Schema):
    """An event with its recipients, or with one recipient in the members at the top."""

    event_code = Code(required=True)
    context = JsonObject(load_default=dict)
    recipients = ma.fields.Nested(
        RecipientIn,
        many=True,
        load_default=list,
        validate=validate.Length(max=MAX_RECIPIENTS),
    )
    recipient_user_id = Name(max_length=USER_ID_CHARS, **_OPTIONAL)
    recipient_actor_type = Name(max_length=CODE_CHARS, **_OPTIONAL)
    to_phone = Numbers(**_OPTIONAL)
    to_email = Line(max_length=320, **_OPTIONAL)
    preferred_lang = Language(blank=True, **_OPTIONAL)
    idempotency_key = Name(max_length=REQUEST_KEY_CHARS, **_OPTIONAL)
    entity_type = Name(max_length=ENTITY_CHARS, **_OPTIONAL)
    entity_id = Name(max_length=ENTITY_CHARS, **_OPTIONAL)
    payload = JsonObject(max_length=PAYLOAD_CHARS, **_OPTIONAL)
    max_attempts = Integer(low=1, high=MAX_ATTEMPTS, load_default=DEFAULT_MAX_ATTEMPTS)
    send_at = Moment(**_OPTIONAL, metadata={"description": "Not before; at most 366 days ahead"})

    @ma.validates("send_at")
    def _check_send_at(self, moment: datetime | None, **_kwargs: Any) -> None:
        if moment is not None and moment > utc_now() + FURTHEST:
            raise ma.ValidationError("Must be at most 366 days ahead.")

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Emission:
        one: dict[str, Any] = {
            name: given.pop(member) or None for member, name in _AT_THE_TOP.items()
        }
        if any(one.values()):
            _check_one(one, bool(given["recipients"]))
            given["recipients"] = [Recipient(**one)]
        return Emission(**given)


def _check_one(recipient: Mapping[str, str | None], has_others: bool) -> None:
    for member, name in _AT_THE_TOP.items():
        if has_others and recipient[name]:
            raise ma.ValidationError("Not beside recipients.", member)
        if name in ("user_id", "actor_type") and not recipient[name]:
            raise ma.ValidationError("Missing data for required field.", member)


class SkipOut(Schema):
    """What was not queued; of its members those that apply."""

    reason = ma.fields.String(required=True)
    rule_id = ma.fields.UUID()
    user_id = ma.fields.String()
    actor_type = ma.fields.String()
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String)
    outbox_id = ma.fields.UUID(metadata={"description": "The message that was queued before"})

    @ma.post_dump
    def _applying(self, made: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in made.items() if value is not None}


class EmittedOut(Schema):
    """What became of an event."""

    ok = ma.fields.Boolean(required=True, dump_default=True)
    disposition = ma.fields.String(required=True, validate=validate.OneOf(["queued", "suppressed"]))
    reason = ma.fields.Enum(
        Suppressed, by_value=ma.fields.String, metadata={"description": "When nothing was queued"}
    )
    queued_count = ma.fields.Integer(required=True)
    queued_outbox_ids = ma.fields.List(ma.fields.UUID(), required=True)
    skipped = ma.fields.List(ma.fields.Nested(SkipOut), required=True)

    @ma.post_dump
    def _applying(self, made: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in made.items() if value is not None}
