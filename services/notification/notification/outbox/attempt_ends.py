"""How attempts end: what becomes of their messages and entries, and what they count for. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notification.models import AttemptStatus, ChannelCode, MessageStatus
from notification.models.records import Record
from notification.outbox.claiming import Job
from notification.outbox.costs import Taken
from notification.outbox.escalating import ESCALATION
from notification.outbox.outcomes import Completion, must_escalate
from notification.outbox.reach import Failed
from notification.transports import Result

_TAKEN = (MessageStatus.SENT, MessageStatus.DELIVERED)


class Ended(Record, frozen=True):
    """An attempt with what came of it."""

    job: Job
    result: Result
    completion: Completion


def alike(ended: Sequence[Ended]) -> dict[tuple[Any, ...], list[Ended]]:
    """Attempts that leave their messages the same."""
    found: dict[tuple[Any, ...], list[Ended]] = defaultdict(list)
    for one in ended:
        completion, result = one.completion, one.result
        key = completion.status, completion.attempt, _due_at(one), result.error, result.provider
        found[key].append(one)
    return found


def taken(one: Ended) -> Taken | None:
    """What a message that was taken, at least in part, counts for; None: it costs nothing."""
    job, result = one.job, one.result
    is_taken = one.completion.status in _TAKEN or result.taken_in_part
    if job.channel is not ChannelCode.SMS or not is_taken or not result.provider:
        return None
    refused = sum(part.is_refused for part in result.parts)
    numbers = len((job.to_phone or "").split(",")) - refused
    segments = (job.sms_segments or 1) * numbers
    return Taken(job.event_code, result.provider, segments, result.segment_price)


def failed(one: Ended) -> list[Failed]:
    """The addresses that an attempt found to be none; nothing where that is not what was said."""
    job, result = one.job, one.result
    if not result.is_about_address:
        return []
    whole = job.to_email if job.channel is ChannelCode.EMAIL else job.to_phone
    addresses = (whole or "").split(",")
    if len(addresses) > 1:
        refused = {part.place: part.reason for part in result.parts if part.is_refused}
    else:
        refused = {0: result.error}
    person = job.recipient_user_id, job.recipient_actor_type
    return [
        Failed(person, job.channel, addresses[place], reason)
        for place, reason in refused.items()
        if place < len(addresses) and addresses[place]
    ]


def message_values(one: Ended, now: datetime) -> dict[str, Any]:
    """What changes of a message's row, as the log's statements name it."""
    result, completion = one.result, one.completion
    is_taken = completion.status in _TAKEN
    return {
        "new_status": completion.status,
        "new_is_final": completion.is_final,
        "new_next_attempt_at": _due_at(one),
        "new_last_error": result.error,
        "new_provider": result.provider or None,
        "new_sent_at": now if is_taken else None,
        "new_delivered_at": now if completion.status is MessageStatus.DELIVERED else None,
    }


def entry_values(one: Ended, now: datetime) -> dict[str, Any]:
    """What changes of an attempt's entry."""
    result = one.result
    response = dict(result.response or {})
    if must_escalate(one.completion, one.job.priority):
        response |= ESCALATION
    return {
        "key_outbox_id": one.job.id,
        "key_attempt_no": one.job.entry_no,
        "status": one.completion.attempt,
        "provider": result.provider or None,
        "provider_message_id": result.provider_message_id,
        "response_payload": response or None,
        "error_message": result.error,
        "ended_at": now,
    }


def _due_at(one: Ended) -> datetime:
    """What was postponed keeps its place."""
    is_postponed = one.completion.attempt is AttemptStatus.POSTPONED
    return one.job.next_attempt_at if is_postponed else one.completion.next_attempt_at
