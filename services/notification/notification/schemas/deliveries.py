"""Messages on their way: what is asked for, what became of them."""

from typing import Any

import marshmallow as ma
from common.fields import Moment
from common.paging import DEFAULT_LIMIT, MAX_LIMIT

from notification.models import AttemptStatus, ChannelCode, MessageStatus


class ProcessIn(ma.Schema):
    """How many messages."""

    limit = ma.fields.Integer(
        strict=True,
        load_default=DEFAULT_LIMIT,
        metadata={"description": "1–500, brought into that range"},
    )

    @ma.post_load
    def _clamp(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {"limit": min(max(given["limit"], 1), MAX_LIMIT)}


class ProcessedOut(ma.Schema):
    """What became of one message."""

    outbox_id = ma.fields.UUID(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=True, required=True)
    status = ma.fields.Enum(MessageStatus, by_value=True, required=True)
    result = ma.fields.Enum(AttemptStatus, by_value=True, required=True)
    error = ma.fields.String(required=True, allow_none=True)


class ProcessOut(ma.Schema):
    """What became of all of them."""

    ok = ma.fields.Boolean(required=True)
    processed_count = ma.fields.Integer(required=True)
    results = ma.fields.List(ma.fields.Nested(ProcessedOut), required=True)


class StandingOut(ma.Schema):
    """Where a message stands after an operator's act."""

    ok = ma.fields.Constant(True, required=True)
    outbox_id = ma.fields.UUID(attribute="id", required=True)
    status = ma.fields.Enum(MessageStatus, by_value=True, required=True)
    is_final = ma.fields.Boolean(required=True)
    attempt_count = ma.fields.Integer(required=True)
    max_attempts = ma.fields.Integer(required=True)
    next_attempt_at = Moment(required=True)
    last_error = ma.fields.String(required=True, allow_none=True)


class DeliveryLogOut(ma.Schema):
    """An attempt, or a decision, of a message's log."""

    outbox_id = ma.fields.UUID(required=True)
    attempt_no = ma.fields.Integer(required=True)
    status = ma.fields.Enum(AttemptStatus, by_value=True, required=True)
    provider = ma.fields.String(required=True, allow_none=True)
    provider_message_id = ma.fields.String(required=True, allow_none=True)
    response_payload = ma.fields.Dict(required=True, allow_none=True)
    error_message = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class ReceiptsOut(ma.Schema):
    """How many reports did what; `foreign` ones name no message of this service."""

    ok = ma.fields.Boolean(required=True)
    moved = ma.fields.Integer(required=True)
    unchanged = ma.fields.Integer(required=True)
    foreign = ma.fields.Integer(required=True)
