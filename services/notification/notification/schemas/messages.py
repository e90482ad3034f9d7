"""Messages on the wire: on their way, and in a person's inbox."""

import marshmallow as ma
from common.fields import Moment
from common.paging import PageArgs

from notification.models import ChannelCode, MessageStatus
from notification.schemas.fields import Code, Schema, Truth


class MessageArgs(PageArgs):
    """Which messages."""

    status = ma.fields.Enum(MessageStatus, by_value=ma.fields.String, load_default=None)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=None)
    due = Truth(
        load_default=None, metadata={"description": "Whether a worker may send it at this moment"}
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
    next_attempt_at = Moment(required=True)
    last_error = ma.fields.String(required=True, allow_none=True)
    provider = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    sent_at = Moment(required=True, allow_none=True)
    delivered_at = Moment(required=True, allow_none=True)


class InboxArgs(PageArgs):
    """Which in-app messages."""

    unread = Truth(load_default=None)
    actor_type = Code(load_default=None)


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
