"""Events and rules on the wire."""

import marshmallow as ma
from common.fields import Flag, JsonObject, Line, Moment, Text
from common.paging import PageArgs
from marshmallow import validate

from notification.models import ChannelCode, UnknownPolicy
from notification.models.lookups import CODE_CHARS
from notification.schemas.fields import Code, Schema, Truth


class EventArgs(PageArgs):
    """Which events."""

    module = Code(load_default=None)
    active = Truth(load_default=None)


class EventIn(Schema):
    """An event to be known, or what to change of one."""

    code = Code(required=True)
    description = Text(max_length=2_000, load_default="")
    module = Code(required=True)
    is_active = Flag(load_default=True)
    context_schema = JsonObject(
        load_default=None,
        allow_none=True,
        metadata={"description": "JSON Schema 2020-12 of the context; references stay within it"},
    )
    when_unknown = ma.fields.Enum(
        UnknownPolicy,
        by_value=ma.fields.String,
        load_default=UnknownPolicy.HOLD,
        metadata={"description": "What becomes of a message whose outcome nobody can tell"},
    )


class EventOut(Schema):
    """An event."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    module = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)
    context_schema = ma.fields.Dict(required=True, allow_none=True)
    when_unknown = ma.fields.Enum(UnknownPolicy, by_value=ma.fields.String, required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class RuleArgs(PageArgs):
    """Which rules."""

    event_code = Code(load_default=None)
    active = Truth(load_default=None)


class RuleIn(Schema):
    """A rule to be followed, or what to change of one."""

    event_code = Code(required=True)
    recipient_policy = Line(
        max_length=CODE_CHARS,
        load_default="",
        metadata={"description": "An actor type's code; empty, `*` or `ALL`: everyone"},
    )
    priority = Code(load_default="NORMAL")
    channels = ma.fields.List(
        ma.fields.Enum(ChannelCode, by_value=ma.fields.String),
        required=True,
        validate=validate.Length(max=len(ChannelCode)),
    )
    is_active = Flag(load_default=True)


class RuleOut(Schema):
    """A rule."""

    id = ma.fields.UUID(required=True)
    event_code = ma.fields.String(required=True)
    recipient_policy = ma.fields.String(required=True)
    priority = ma.fields.String(required=True)
    channels = ma.fields.Function(
        lambda rule: [one.channel.value for one in rule.channels],
        required=True,
        metadata={"type": "array", "items": {"type": "string", "enum": list(ChannelCode)}},
    )
    is_active = ma.fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
