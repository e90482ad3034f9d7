"""What is written of attempts: begun before anything leaves, ended while the claim stands."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from common.db.rows.statements import Change
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notification.emit.event_order import id_in_inbox
from notification.models import (
    AttemptStatus,
    DeliveryLog,
    InAppMessage,
    MessageStatus,
    OutboxMessage,
)
from notification.outbox import attempt_ends
from notification.outbox.asking_again import may_leave
from notification.outbox.attempt_ends import Ended
from notification.outbox.cascades import look_now
from notification.outbox.claiming import Job, Slice
from notification.outbox.costs import count_taken
from notification.outbox.escalating import escalate
from notification.outbox.outcomes import must_escalate
from notification.outbox.parts import enter_parts
from notification.outbox.reach import count_failed
from notification.outbox.row_changes import change_rows

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
    if len(attempt_ends.alike(attempts)) > 1:
        ours = _still(attempts, _locked(session, ended.token))
        end(session, ours, now, ended.token)
        return ours
    if not attempts:
        return ()
    values = {"token": ended.token, **attempt_ends.message_values(attempts[0], now)}
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
    alike = attempt_ends.alike(ended)
    for some in alike.values():
        values = {"token": token, **attempt_ends.message_values(some[0], now)}
        if len(alike) == 1:
            session.execute(_END_OF_MESSAGES, values)
        else:
            session.execute(_END_OF_SOME, {**values, "some": [one.job.id for one in some]})
    _note(session, ended, now)


def _note(session: Session, ended: Sequence[Ended], now: datetime) -> None:
    """Write what attempts mean beside their messages' own rows."""
    if not ended:
        return
    postponed = [one.job.id for one in ended if one.completion.attempt is AttemptStatus.POSTPONED]
    if postponed:
        session.execute(_UNCOUNT, {"some": postponed})
    change_rows(session, _END_OF_ATTEMPT, [attempt_ends.entry_values(one, now) for one in ended])
    enter_parts(session, ((one.job, one.result) for one in ended))
    count_taken(session, filter(None, map(attempt_ends.taken, ended)), now)
    count_failed(session, [one for attempt in ended for one in attempt_ends.failed(attempt)], now)
    failed = [one.job.id for one in ended if one.completion.attempt is AttemptStatus.FAILED_FINAL]
    look_now(session, failed, now)
    for one in ended:
        if must_escalate(one.completion, one.job.priority):
            escalate(session, one.job, one.result.error)


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
