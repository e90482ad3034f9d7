"""Events and rules on the wire."""

import marshmallow as ma
from common.web.fields import Flag, Integer, JsonObject, Line, Moment, Tag, Text
from common.web.paging import PageArgs
from marshmallow import validate

from notification.models import ChannelCode, UnknownPolicy
from notification.models.catalogue import MAIL_NAME_CHARS
from notification.models.lookups import CODE_CHARS
from notification.schemas.fields import Code, Mailbox, Schema, Truth

BUDGET = {
    "description": "What its SMS may cost in a month, in whole units of the currency; when it is "
    "spent they wait, but for CRITICAL ones; null: anything"
}


CASCADE_LEAST_S, DAY_S = 1, 86_400
DIGEST = {
    "description": "So many of its messages a person gets over a channel in a window; the rest "
    "becomes one message at its end, but for CRITICAL ones; null: any number"
}
DIGEST_WINDOW = {"description": "How long such a window is, in seconds; null: there are none"}


class EventArgs(PageArgs):
    """Which events."""

    module = Code(load_default=None, metadata={"example": "NOTIFICATION"})
    active = Truth(load_default=None, metadata={"example": "true"})


class EventIn(Schema):
    """An event to be known, or what to change of one."""

    code = Code(required=True, metadata={"example": "LAB_RESULT_READY"})
    description = Text(
        max_length=2_000, load_default="", metadata={"example": "A result can be fetched"}
    )
    module = Code(required=True, metadata={"example": "NOTIFICATION"})
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
    sender_name = Line(
        max_length=MAIL_NAME_CHARS,
        load_default=None,
        allow_none=True,
        metadata={"description": "Who its e-mails say they are from; null: as the settings say"},
    )
    reply_to = Mailbox(
        load_default=None,
        allow_none=True,
        metadata={"description": "Where answers to its e-mails go; null: to the sender"},
    )
    sms_budget = Integer(load_default=None, allow_none=True, metadata=BUDGET)
    digest_after = Integer(high=1_000, load_default=None, allow_none=True, metadata=DIGEST)
    digest_window_s = Integer(
        low=1, high=7 * DAY_S, load_default=None, allow_none=True, metadata=DIGEST_WINDOW
    )


class EventOut(Schema):
    """An event."""

    id = ma.fields.UUID(required=True)
    etag = Tag()
    code = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    module = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)
    context_schema = ma.fields.Dict(required=True, allow_none=True)
    when_unknown = ma.fields.Enum(UnknownPolicy, by_value=ma.fields.String, required=True)
    sender_name = ma.fields.String(required=True, allow_none=True)
    reply_to = ma.fields.String(required=True, allow_none=True)
    sms_budget = ma.fields.Integer(required=True, allow_none=True, metadata=BUDGET)
    digest_after = ma.fields.Integer(required=True, allow_none=True, metadata=DIGEST)
    digest_window_s = ma.fields.Integer(required=True, allow_none=True, metadata=DIGEST_WINDOW)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


CASCADE = {
    "description": "Seconds without a receipt after which the next of its channels is used, in "
    "their order; null: all at once"
}
SAY_WHOM = "Say whom it is for: an actor type, or ALL for everyone."


class RuleArgs(PageArgs):
    """Which rules."""

    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})
    active = Truth(load_default=None, metadata={"example": "true"})


class RuleIn(Schema):
    """A rule to be followed, or what to change of one."""

    event_code = Code(required=True, metadata={"example": "DEMO_APPOINTMENT"})
    recipient_policy = Line(
        max_length=CODE_CHARS,
        required=True,
        validate=validate.Length(min=1, error=SAY_WHOM),
        error_messages={"required": SAY_WHOM},
        metadata={"example": "ALL", "description": "An actor type's code; `ALL` or `*`: everyone"},
    )
    priority = Code(load_default="NORMAL")
    channels = ma.fields.List(
        ma.fields.Enum(ChannelCode, by_value=ma.fields.String),
        required=True,
        validate=validate.Length(max=len(ChannelCode)),
    )
    cascade_after_s = Integer(
        low=CASCADE_LEAST_S, high=DAY_S, load_default=None, allow_none=True, metadata=CASCADE
    )
    is_active = Flag(load_default=True, metadata={"example": False})


class RuleOut(Schema):
    """A rule."""

    id = ma.fields.UUID(required=True)
    etag = Tag()
    event_code = ma.fields.String(required=True)
    recipient_policy = ma.fields.String(required=True)
    priority = ma.fields.String(required=True)
    channels = ma.fields.Function(
        lambda rule: [one.channel.value for one in rule.channels],
        required=True,
        metadata={"type": "array", "items": {"type": "string", "enum": list(ChannelCode)}},
    )
    cascade_after_s = ma.fields.Integer(required=True, allow_none=True, metadata=CASCADE)
    is_active = ma.fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
