"""What is written of attempts: begun before anything leaves, ended while the claim stands."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from common.database import insert_into
from common.events import queue_event
from common.ids import new_id
from common.logs import get_logger
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from notification.models import (
    AttemptStatus,
    DeliveryLog,
    InAppMessage,
    MessageStatus,
    OutboxEvent,
    OutboxMessage,
)
from notification.outbox.claiming import Parcel, Slice
from notification.outbox.outcomes import Ending, must_escalate
from notification.transports import Result

log = get_logger(__name__)

ESCALATED = "notification.escalated"
SOURCE = "kiungo/notification"
#: The mark in `response_payload` of a CRITICAL message that failed.
ESCALATION = {"escalation_required": True}

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
_END_OF_SOME = _END_OF_MESSAGES.where(_OUTBOX.c.id.in_(bindparam("some", expanding=True)))
_END_OF_ATTEMPT = (
    update(_LOG)
    .where(_LOG.c.outbox_id == bindparam("of"), _LOG.c.attempt_no == bindparam("entry_no"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "status",
                "provider",
                "provider_message_id",
                "response_payload",
                "error_message",
                "ended_at",
            )
        }
    )
)
_ENTRIES = select(
    _OUTBOX.c.id,
    _OUTBOX.c.earlier_entries + _OUTBOX.c.attempt_count,
    bindparam("entry_status", type_=_LOG.c.status.type),
    bindparam("entry_at", type_=_LOG.c.created_at.type),
    bindparam("entry_ended_at", type_=_LOG.c.ended_at.type),
).where(_THEIRS)


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt with what came of it."""

    parcel: Parcel
    result: Result
    ending: Ending


@dataclass(frozen=True, slots=True)
class EndedSlice:
    """What came of all attempts that were begun under a token."""

    token: uuid.UUID
    attempts: Sequence[Ended]


def turn(
    session: Session, ended: EndedSlice | None, beginning: Slice | None, now: datetime
) -> set[uuid.UUID]:
    """End one slice and begin the next; returns the messages that were still under their tokens.

    May be repeated when nobody knows whether its commit came through.
    """
    ours: set[uuid.UUID] = set()
    if ended is not None:
        ours |= _locked(session, ended.token)
        attempts = [one for one in ended.attempts if one.parcel.id in ours]
        end(session, attempts, now, ended.token)
    if beginning is not None:
        ours |= _locked(session, beginning.token)
        _enter(session, beginning.token, AttemptStatus.STARTED, now, None)
    return ours


def _locked(session: Session, token: uuid.UUID) -> set[uuid.UUID]:
    """The messages that are still under `token`."""
    return set(session.scalars(_LOCK, {"token": token}))


def _enter(
    session: Session,
    token: uuid.UUID,
    status: AttemptStatus,
    now: datetime,
    ended_at: datetime | None,
) -> None:
    """An entry in the log for the attempt of every message under `token`."""
    columns = ["outbox_id", "attempt_no", "status", "created_at", "ended_at"]
    session.execute(
        insert_into(session, _LOG).from_select(columns, _ENTRIES).on_conflict_do_nothing(),
        {"token": token, "entry_status": status, "entry_at": now, "entry_ended_at": ended_at},
    )


def end(session: Session, ended: Sequence[Ended], now: datetime, token: uuid.UUID) -> None:
    """Write the endings of the attempts of all messages under `token`, which are locked."""
    alike: dict[tuple[tuple[str, Any], ...], list[uuid.UUID]] = defaultdict(list)
    for one in ended:
        alike[tuple(_message_values(one, now).items())].append(one.parcel.id)
    if len(alike) == 1:
        session.execute(_END_OF_MESSAGES, {"token": token, **dict(*alike)})
    else:
        for values, ids in alike.items():
            session.execute(_END_OF_SOME, {"token": token, **dict(values), "some": ids})
    if ended:
        session.execute(_END_OF_ATTEMPT, [_entry_values(one, now) for one in ended])
    for one in ended:
        if must_escalate(one.ending, one.parcel.priority):
            escalate(session, one.parcel, one.result.error)


def _message_values(one: Ended, now: datetime) -> dict[str, Any]:
    result, ending = one.result, one.ending
    taken = ending.status in (MessageStatus.SENT, MessageStatus.DELIVERED)
    return {
        "new_status": ending.status,
        "new_is_final": ending.is_final,
        "new_next_attempt_at": ending.next_attempt_at,
        "new_last_error": result.error,
        "new_provider": result.provider or None,
        "new_sent_at": now if taken else None,
        "new_delivered_at": now if ending.status is MessageStatus.DELIVERED else None,
    }


def _entry_values(one: Ended, now: datetime) -> dict[str, Any]:
    result = one.result
    response = dict(result.response or {})
    if must_escalate(one.ending, one.parcel.priority):
        response |= ESCALATION
    return {
        "of": one.parcel.id,
        "entry_no": one.parcel.entry_no,
        "new_status": one.ending.attempt,
        "new_provider": result.provider or None,
        "new_provider_message_id": result.provider_message_id,
        "new_response_payload": response or None,
        "new_error_message": result.error,
        "new_ended_at": now,
    }


def escalate(session: Session, of: Parcel | OutboxMessage, reason: str | None) -> None:
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


def put_in_inboxes(session: Session, claimed: Slice, now: datetime) -> set[uuid.UUID]:
    """Deliver in-app messages in one act; returns those that were still under the token."""
    ours = _locked(session, claimed.token)
    if not ours:
        return ours
    session.execute(
        insert(_INBOX), [_in_app(parcel, now) for parcel in claimed.parcels if parcel.id in ours]
    )
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


def _in_app(parcel: Parcel, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "outbox_id": parcel.id,
        "user_id": parcel.recipient_user_id,
        "actor_type": parcel.recipient_actor_type,
        "title": parcel.subject,
        "body": parcel.body or "",
        "event_code": parcel.event_code,
        "entity_type": parcel.entity_type,
        "entity_id": parcel.entity_id,
        "is_read": False,
        "created_at": now,
    }
