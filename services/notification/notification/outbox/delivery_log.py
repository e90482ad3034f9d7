"""What is written of attempts: begun before anything leaves, ended while the claim stands."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from common.db.rows.statements import Change
from common.jobs.events import queue_event
from common.logs import get_logger
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notification.emit.event_order import id_in_inbox
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    InAppMessage,
    MessageStatus,
    OutboxEvent,
    OutboxMessage,
)
from notification.outbox.asking_again import may_leave
from notification.outbox.cascades import look_now
from notification.outbox.claiming import Job, Slice
from notification.outbox.costs import Taken, count_taken
from notification.outbox.outcomes import Completion, must_escalate
from notification.outbox.parts import enter_parts
from notification.outbox.reach import Failed, count_failed
from notification.outbox.row_changes import change_rows
from notification.transports import Result

log = get_logger(__name__)

ESCALATED = "notification.escalated"
SOURCE = "kiungo/notification"
#: The mark in `response_payload` of a CRITICAL message that failed.
ESCALATION = {"escalation_required": True}

_TAKEN = (MessageStatus.SENT, MessageStatus.DELIVERED)
_OUTBOX, _LOG, _INBOX = (
    cast(Table, model.__table__) for model in (OutboxMessage, DeliveryLog, InAppMessage)
)

# Built once: composing a statement costs more than asking it.
_THEIRS = _OUTBOX.c.lease_token == bindparam("token")
_LOCK = select(_OUTBOX.c.id).where(_THEIRS).with_for_update()
_END_OF_MESSAGES = (
    update(_OUTBOX)
    .where(_THEIRS)
    .values(
        lease_token=None,
        lease_until=None,
        **{
            name: bindparam(f"new_{name}")
            for name in (
                "status",
                "is_final",
                "next_attempt_at",
                "last_error",
                "provider",
                "sent_at",
                "delivered_at",
            )
        },
    )
)
_END_AND_TELL = _END_OF_MESSAGES.returning(_OUTBOX.c.id)
_END_OF_SOME = _END_OF_MESSAGES.where(_OUTBOX.c.id.in_(bindparam("some", expanding=True)))
#: No attempt counts; the log's entry stays.
_UNCOUNT = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id.in_(bindparam("some", expanding=True)))
    .values(
        attempt_count=_OUTBOX.c.attempt_count - 1, earlier_entries=_OUTBOX.c.earlier_entries + 1
    )
)
_END_OF_ATTEMPT = Change(
    _LOG,
    (
        "status",
        "provider",
        "provider_message_id",
        "response_payload",
        "error_message",
        "ended_at",
    ),
)
_ENTRIES = select(
    _OUTBOX.c.id,
    _OUTBOX.c.earlier_entries + _OUTBOX.c.attempt_count,
    bindparam("entry_status", type_=_LOG.c.status.type),
    bindparam("entry_at", type_=_LOG.c.created_at.type),
    bindparam("entry_ended_at", type_=_LOG.c.ended_at.type),
).where(_THEIRS)
#: By the database's dialect.
_ENTER = {
    dialect.__name__.rpartition(".")[2]: dialect.insert(_LOG)
    .from_select(["outbox_id", "attempt_no", "status", "created_at", "ended_at"], _ENTRIES)
    .on_conflict_do_nothing()
    for dialect in (postgresql, sqlite)
}


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt with what came of it."""

    job: Job
    result: Result
    completion: Completion


@dataclass(frozen=True, slots=True)
class EndedSlice:
    """What came of all attempts that were begun under a token."""

    token: uuid.UUID
    attempts: Sequence[Ended]


@dataclass(frozen=True, slots=True)
class Committed:
    """What was still under its token: attempts that ended, messages that begin."""

    ended: Sequence[Ended] = ()
    begun: Sequence[Job] = ()


def commit_slices(
    session: Session, ended: EndedSlice | None, beginning: Slice | None, now: datetime
) -> Committed:
    """End one slice and begin the next.

    May be repeated when nobody knows whether its commit came through.
    """
    over = _end_slice(session, ended, now) if ended is not None else ()
    if beginning is None:
        return Committed(over)
    begun = _asked_again(session, beginning, now)
    _enter(session, beginning.token, AttemptStatus.STARTED, now, None)
    return Committed(over, begun)


def _end_slice(session: Session, ended: EndedSlice, now: datetime) -> Sequence[Ended]:
    """What is alike for all needs no lock before it is written."""
    attempts = ended.attempts
    if len(_alike(attempts)) > 1:
        ours = _still(attempts, _locked(session, ended.token))
        end(session, ours, now, ended.token)
        return ours
    if not attempts:
        return ()
    values = {"token": ended.token, **_message_values(attempts[0], now)}
    ours = _still(attempts, session.scalars(_END_AND_TELL, values).all())
    _note(session, ours, now)
    return ours


def _still(attempts: Sequence[Ended], ids: Sequence[uuid.UUID]) -> Sequence[Ended]:
    """The attempts of messages `ids`, which are of this slice."""
    if len(ids) == len(attempts):
        return attempts
    known = set(ids)
    return [one for one in attempts if one.job.id in known]


def _asked_again(session: Session, claimed: Slice, now: datetime) -> Sequence[Job]:
    """The messages that are still under the slice's token and may leave."""
    jobs, locked = claimed.jobs, _locked(session, claimed.token)
    if len(locked) < len(jobs):
        ids = set(locked)
        jobs = [one for one in jobs if one.id in ids]
    return may_leave(session, jobs, now)


def _locked(session: Session, token: uuid.UUID) -> Sequence[uuid.UUID]:
    """The messages that are still under `token`."""
    return session.scalars(_LOCK, {"token": token}).all()


def _enter(
    session: Session,
    token: uuid.UUID,
    status: AttemptStatus,
    now: datetime,
    ended_at: datetime | None,
) -> None:
    """An entry in the log for the attempt of every message under `token`."""
    session.execute(
        _ENTER[session.get_bind().dialect.name],
        {"token": token, "entry_status": status, "entry_at": now, "entry_ended_at": ended_at},
    )


def end(session: Session, ended: Sequence[Ended], now: datetime, token: uuid.UUID) -> None:
    """Write the endings of the attempts of all messages under `token`, which are locked."""
    alike = _alike(ended)
    for some in alike.values():
        values = {"token": token, **_message_values(some[0], now)}
        if len(alike) == 1:
            session.execute(_END_OF_MESSAGES, values)
        else:
            session.execute(_END_OF_SOME, {**values, "some": [one.job.id for one in some]})
    _note(session, ended, now)


def _alike(ended: Sequence[Ended]) -> dict[tuple[Any, ...], list[Ended]]:
    """Attempts that leave their messages the same."""
    alike: dict[tuple[Any, ...], list[Ended]] = defaultdict(list)
    for one in ended:
        completion, result = one.completion, one.result
        key = completion.status, completion.attempt, _due_at(one), result.error, result.provider
        alike[key].append(one)
    return alike


def _note(session: Session, ended: Sequence[Ended], now: datetime) -> None:
    """Write what attempts mean beside their messages' own rows."""
    if not ended:
        return
    postponed = [one.job.id for one in ended if one.completion.attempt is AttemptStatus.POSTPONED]
    if postponed:
        session.execute(_UNCOUNT, {"some": postponed})
    change_rows(session, _END_OF_ATTEMPT, [_entry_values(one, now) for one in ended])
    enter_parts(session, ((one.job, one.result) for one in ended))
    count_taken(session, filter(None, map(_taken, ended)), now)
    count_failed(session, [one for attempt in ended for one in _failed(attempt)], now)
    failed = [one.job.id for one in ended if one.completion.attempt is AttemptStatus.FAILED_FINAL]
    look_now(session, failed, now)
    for one in ended:
        if must_escalate(one.completion, one.job.priority):
            escalate(session, one.job, one.result.error)


def _taken(one: Ended) -> Taken | None:
    """What a message that was taken, at least in part, counts for; None: it costs nothing."""
    job, result = one.job, one.result
    is_taken = one.completion.status in _TAKEN or result.taken_in_part
    if job.channel is not ChannelCode.SMS or not is_taken or not result.provider:
        return None
    refused = sum(part.is_refused for part in result.parts)
    numbers = len((job.to_phone or "").split(",")) - refused
    segments = (job.sms_segments or 1) * numbers
    return Taken(job.event_code, result.provider, segments, result.segment_price)


def _failed(one: Ended) -> list[Failed]:
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


def _due_at(one: Ended) -> datetime:
    """What was postponed keeps its place."""
    is_postponed = one.completion.attempt is AttemptStatus.POSTPONED
    return one.job.next_attempt_at if is_postponed else one.completion.next_attempt_at


def _message_values(one: Ended, now: datetime) -> dict[str, Any]:
    result, completion = one.result, one.completion
    taken = completion.status in _TAKEN
    return {
        "new_status": completion.status,
        "new_is_final": completion.is_final,
        "new_next_attempt_at": _due_at(one),
        "new_last_error": result.error,
        "new_provider": result.provider or None,
        "new_sent_at": now if taken else None,
        "new_delivered_at": now if completion.status is MessageStatus.DELIVERED else None,
    }


def _entry_values(one: Ended, now: datetime) -> dict[str, Any]:
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


def escalate(session: Session, of: Job | OutboxMessage, reason: str | None) -> None:
    """Tell who listens that an urgent message did not arrive; neither its words nor its number."""
    data = {
        "outbox_id": str(of.id),
        "event_code": of.event_code,
        "channel": of.channel,
        "recipient_user_id": of.recipient_user_id,
        "recipient_actor_type": of.recipient_actor_type,
        "entity_type": of.entity_type,
        "entity_id": of.entity_id,
        "reason": reason,
    }
    queue_event(session, OutboxEvent, queue=ESCALATED, type_=ESCALATED, source=SOURCE, data=data)
    log.warning("message_escalated", outbox_id=str(of.id))


def put_in_inboxes(session: Session, claimed: Slice, now: datetime) -> Sequence[Job]:
    """Deliver in-app messages in one act; returns those that were still under the token."""
    ours = _asked_again(session, claimed, now)
    if not ours:
        return ours
    session.execute(insert(_INBOX), [_in_app(job, now) for job in ours])
    _enter(session, claimed.token, AttemptStatus.DELIVERED, now, now)
    session.execute(
        _END_OF_MESSAGES,
        {
            "token": claimed.token,
            "new_status": MessageStatus.DELIVERED,
            "new_is_final": True,
            "new_next_attempt_at": now,
            "new_last_error": None,
            "new_provider": None,
            "new_sent_at": now,
            "new_delivered_at": now,
        },
    )
    return ours


def _in_app(job: Job, now: datetime) -> dict[str, Any]:
    return {
        "id": id_in_inbox(job.id, job.next_attempt_at),
        "outbox_id": job.id,
        "user_id": job.recipient_user_id,
        "actor_type": job.recipient_actor_type,
        "title": job.subject,
        "body": job.body or "",
        "event_code": job.event_code,
        "entity_type": job.entity_type,
        "entity_id": job.entity_id,
        "is_read": False,
        "created_at": now,
    }
