"""Messages on the wire: on their way, and in a person's inbox."""

from typing import Any

import marshmallow as ma
from common.clock import rfc3339
from common.texts import _
from common.web.fields import Flag, Moment, Name
from common.web.paging import PageArgs

from notification.models import AttemptStatus, ChannelCode, MessageStatus
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.fields import Code, ErrorText, Schema, Truth


class MessageArgs(PageArgs):
    """Which messages."""

    status = ma.fields.Enum(MessageStatus, by_value=ma.fields.String, load_default=None)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=None)
    due = Truth(
        load_default=None,
        metadata={"example": "false", "description": "Whether a worker may send it at this moment"},
    )


class MessagesIn(Schema):
    """Which messages an act is for: at least one condition."""

    status = ma.fields.Enum(MessageStatus, by_value=ma.fields.String, load_default=None)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=None)
    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})
    user_id = Name(max_length=USER_ID_CHARS, load_default=None, metadata={"example": "17"})
    actor_type = Code(load_default=None)
    since = Moment(load_default=None, metadata={"description": "Made from then on"})
    until = Moment(load_default=None, metadata={"description": "Made before then"})

    @ma.validates_schema
    def _some_condition(self, given: dict[str, Any], **_kwargs: Any) -> None:
        conditions = {**given, "include_repeated": None}
        if all(value is None for value in conditions.values()):
            raise ma.ValidationError(_("Give at least one condition."), "status")


class RequeueIn(MessagesIn):
    """Which messages are queued anew."""

    include_repeated = Flag(
        load_default=False, metadata={"description": "Those that were requeued before, too"}
    )


class ChangedOut(Schema):
    """How many messages an act changed."""

    ok = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True)
    left_out = ma.fields.Integer(
        required=True,
        metadata={"description": "Requeued before, or UNKNOWN or CANCELLED without `status`"},
    )
    is_complete = ma.fields.Boolean(
        required=True, metadata={"description": "False: ask again, there are more"}
    )


class MessageOut(Schema):
    """A message on its way; its words and addresses are forgotten after the retention time."""

    id = ma.fields.UUID(required=True)
    event_code = ma.fields.String(required=True)
    rule_id = ma.fields.UUID(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    priority = ma.fields.String(required=True)
    status = ma.fields.Enum(MessageStatus, by_value=ma.fields.String, required=True)
    is_final = ma.fields.Boolean(
        required=True, metadata={"description": "Nothing will be tried again by itself"}
    )
    recipient_user_id = ma.fields.String(required=True)
    recipient_actor_type = ma.fields.String(required=True)
    to_phone = ma.fields.String(required=True, allow_none=True)
    to_email = ma.fields.String(required=True, allow_none=True)
    language = ma.fields.String(required=True)
    template_id = ma.fields.UUID(required=True)
    template_version = ma.fields.Integer(required=True)
    subject = ma.fields.String(required=True)
    body = ma.fields.String(required=True, allow_none=True)
    sms_encoding = ma.fields.String(required=True, allow_none=True)
    sms_segments = ma.fields.Integer(required=True, allow_none=True)
    entity_type = ma.fields.String(required=True, allow_none=True)
    entity_id = ma.fields.String(required=True, allow_none=True)
    payload = ma.fields.Dict(required=True, allow_none=True)
    idempotency_key = ma.fields.String(required=True)
    attempt_count = ma.fields.Integer(required=True)
    max_attempts = ma.fields.Integer(required=True)
    send_at = Moment(
        required=True, allow_none=True, metadata={"description": "Not before, when that was asked"}
    )
    next_attempt_at = Moment(required=True)
    last_error = ErrorText(required=True)
    provider = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = ma.fields.Function(
        lambda message: rfc3339(message.updated_at or message.sent_at or message.created_at),
        required=True,
        metadata={"type": "string", "format": "date-time"},
    )
    sent_at = Moment(required=True, allow_none=True)
    delivered_at = Moment(required=True, allow_none=True)


class NumberOut(Schema):
    """What became of one number of a message with several."""

    to = ma.fields.String(required=True, allow_none=True)
    status = ma.fields.Enum(AttemptStatus, by_value=ma.fields.String, required=True)
    provider_message_id = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)


class PlaceOut(Schema):
    """A message of a cascade."""

    step = ma.fields.Integer(required=True)
    outbox_id = ma.fields.UUID(attribute="message.id", required=True)
    channel = ma.fields.Enum(
        ChannelCode, by_value=ma.fields.String, attribute="message.channel", required=True
    )
    status = ma.fields.Enum(
        MessageStatus, by_value=ma.fields.String, attribute="message.status", required=True
    )
    look_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When it is decided whether its turn has come"},
    )


class WholeMessageOut(MessageOut):
    """A message with what is known of each of its numbers, where it has several."""

    numbers = ma.fields.List(ma.fields.Nested(NumberOut), required=True)
    cascade = ma.fields.List(
        ma.fields.Nested(PlaceOut),
        required=True,
        metadata={"description": "The channels that are tried one after the other; empty: one"},
    )
    digest_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The message that told it"}
    )
    digest_of = ma.fields.List(
        ma.fields.UUID(), required=True, metadata={"description": "The messages that it tells"}
    )


class InboxArgs(PageArgs):
    """Which in-app messages."""

    unread = Truth(load_default=None, metadata={"example": "true"})
    actor_type = Code(load_default=None, metadata={"example": "TEACHER"})


class InAppMessageOut(Schema):
    """A message in a person's inbox."""

    id = ma.fields.UUID(required=True)
    outbox_id = ma.fields.UUID(required=True)
    user_id = ma.fields.String(required=True)
    actor_type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    event_code = ma.fields.String(required=True)
    entity_type = ma.fields.String(required=True, allow_none=True)
    entity_id = ma.fields.String(required=True, allow_none=True)
    is_read = ma.fields.Boolean(required=True)
    read_at = Moment(required=True, allow_none=True)
    created_at = Moment(required=True)
