"""Messages on their way: what is asked for, what became of them."""

from typing import Any

import marshmallow as ma
from common.web.fields import Moment
from common.web.paging import DEFAULT_LIMIT, MAX_LIMIT

from notification.models import AttemptStatus, ChannelCode, DeliveryLog, MessageStatus
from notification.schemas.fields import ErrorText

#: The code of the message's status that an entry stands for.
CODES = {
    AttemptStatus.STARTED: MessageStatus.SENDING,
    AttemptStatus.SENT: MessageStatus.SENT,
    AttemptStatus.DELIVERED: MessageStatus.DELIVERED,
    AttemptStatus.PARTLY_DELIVERED: MessageStatus.PARTLY_DELIVERED,
    AttemptStatus.FAILED_TEMPORARY: MessageStatus.FAILED,
    AttemptStatus.FAILED_FINAL: MessageStatus.FAILED,
    AttemptStatus.POSTPONED: MessageStatus.QUEUED,
    AttemptStatus.UNKNOWN: MessageStatus.UNKNOWN,
    AttemptStatus.RESENT: MessageStatus.QUEUED,
    AttemptStatus.REQUEUED: MessageStatus.QUEUED,
    AttemptStatus.CANCELLED: MessageStatus.CANCELLED,
    AttemptStatus.CASCADED: MessageStatus.QUEUED,
    AttemptStatus.DIGESTED: MessageStatus.DIGESTED,
}
_PHASES = {AttemptStatus.FAILED_TEMPORARY: "temporary", AttemptStatus.FAILED_FINAL: "final"}


def payload_of(entry: DeliveryLog) -> dict[str, Any] | None:
    """What is said of an attempt beside its status, as the Django mediator's clients read it."""
    phase = _PHASES.get(entry.status)
    if phase is None:
        return entry.response_payload
    said = {"escalation_required": False, **(entry.response_payload or {})}
    return {**said, "phase": phase}


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


class BacklogOut(ma.Schema):
    """Where a message stands after an operator's act."""

    outbox_id = ma.fields.UUID(attribute="id", required=True)
    status = ma.fields.Enum(MessageStatus, by_value=True, required=True)
    is_final = ma.fields.Boolean(required=True)
    attempt_count = ma.fields.Integer(required=True)
    max_attempts = ma.fields.Integer(required=True)
    next_attempt_at = Moment(required=True)
    last_error = ErrorText(required=True)


class DeliveryLogOut(ma.Schema):
    """An attempt, or a decision, of a message's log."""

    outbox_id = ma.fields.UUID(required=True)
    attempt_no = ma.fields.Integer(required=True)
    status = ma.fields.Enum(AttemptStatus, by_value=True, required=True)
    status_code = ma.fields.Function(
        lambda entry: CODES[entry.status],
        required=True,
        metadata={
            "type": "string",
            "enum": [*dict.fromkeys(CODES.values())],
            "description": "The same as the code of a message's status",
        },
    )
    provider = ma.fields.String(required=True, allow_none=True)
    provider_message_id = ma.fields.String(required=True, allow_none=True)
    response_payload = ma.fields.Function(
        payload_of,
        required=True,
        metadata={
            "type": "object",
            "nullable": True,
            "description": "What the provider answered, without numbers and words; of a failure "
            "also its `phase`, `temporary` or `final`, and `escalation_required`",
        },
    )
    error_message = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class ReceiptsOut(ma.Schema):
    """How many reports did what; `foreign` ones name no message of this service."""

    ok = ma.fields.Boolean(required=True)
    moved = ma.fields.Integer(required=True)
    unchanged = ma.fields.Integer(required=True)
    foreign = ma.fields.Integer(required=True)
