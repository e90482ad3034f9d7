"""Messages become rows of the outbox: all of an event's in one transaction, each of them once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, cast

from common import tracing
from common.correlation import current_request_context
from common.ids import new_id
from common.texts import N_
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from notification.emit.choose import Draft
from notification.emit.event import Emission, Skip
from notification.emit.event_order import next_id
from notification.emit.merging import MERGED, Merged
from notification.models import CascadeStep, ChannelCode, Event, MessageStatus, OutboxMessage
from notification.outbox.row_changes import add_new_rows

DUPLICATE = N_("Duplicate idempotency key (already queued)")
_NO_MAIL = {"sender_name": None, "reply_to": None, "attachment_set": None}
_OUTBOX = cast(Table, OutboxMessage.__table__)
#: Keys asked for in one statement.
CHUNK = 5_000


def rows_of(
    emission: Emission, event: Event, drafts: Sequence[Draft], now: datetime
) -> list[dict[str, Any]]:
    """The drafts as rows, in their order."""
    request_key = emission.idempotency_key or str(uuid.uuid4())
    shared = _of_emission(emission, event, now)
    alike: dict[tuple[int, int, ChannelCode], dict[str, Any]] = {}
    rows = []
    for draft in drafts:
        kind = id(draft.rule), id(draft.words), draft.channel
        if kind not in alike:
            alike[kind] = {**shared, **_of_kind(draft, request_key)}
        rows.append({**alike[kind], **_of_draft(draft, alike[kind]["idempotency_key"])})
    return rows


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of drafts: `ids` of each one's message, new or older; what was queued before."""

    ids: Sequence[uuid.UUID]
    new_ids: Sequence[uuid.UUID]
    repeated: Sequence[Skip] = ()


def queue(
    session: Session,
    rows: Sequence[dict[str, Any]],
    drafts: Sequence[Draft],
    *,
    is_repeated: bool = False,
) -> Queued:
    """Insert the drafts' rows, each key once; `is_repeated`: some may be there since long."""
    made = [row["id"] for row in rows]
    # A key that is in clear yet is no conflict for a sealed one.
    known = _ids_of(session, [row["idempotency_key"] for row in rows]) if is_repeated else {}
    new = [row for row in rows if row["idempotency_key"] not in known]
    if new and _insert(session, new) == len(rows):
        return Queued(made, made)
    by_key = _ids_of(session, [row["idempotency_key"] for row in rows])
    ids = [by_key[row["idempotency_key"]] for row in rows]
    repeated = [
        _skip(DUPLICATE, draft, found)
        for draft, id_, found in zip(drafts, made, ids, strict=True)
        if found != id_
    ]
    return Queued(
        ids, [one for one, found in zip(made, ids, strict=True) if one == found], repeated
    )


def keep_in_line(
    session: Session, steps: Sequence[dict[str, Any]], new_ids: Sequence[uuid.UUID]
) -> None:
    """Store the steps of cascades whose messages are new."""
    if steps:
        new = set(new_ids)
        rows = [one for one in steps if one["outbox_id"] in new]
        if rows:
            session.execute(insert(CascadeStep), rows)


def merged_skips(merged: Sequence[Merged], ids: Sequence[uuid.UUID]) -> list[Skip]:
    """What is said of drafts that others stand for; `ids` are the others' messages."""
    return [_skip(MERGED, one.draft, ids[one.into]) for one in merged]


def _of_emission(emission: Emission, event: Event, now: datetime) -> dict[str, Any]:
    context = current_request_context()
    return {
        "correlation_id": context.correlation_id if context else None,
        "traceparent": tracing.traceparent(),
        "attachment_set": new_id() if emission.attachments else None,
        "sender_name": event.sender_name,
        "reply_to": event.reply_to,
        "event_code": emission.event_code,
        "status": MessageStatus.QUEUED,
        "is_final": False,
        "entity_type": emission.entity_type,
        "entity_id": emission.entity_id,
        "payload": emission.payload,
        "send_at": emission.send_at,
        "max_attempts": emission.max_attempts,
        "attempt_count": 0,
        "earlier_entries": 0,
        "created_at": now,
        "updated_at": now,
    }


def _of_kind(draft: Draft, request_key: str) -> dict[str, Any]:
    """What all drafts of a rule and a channel with the same words have; how their keys begin."""
    rule, channel, words = draft.rule, draft.channel, draft.words
    return {
        "idempotency_key": f"{request_key}:{rule.event_code}:{rule.id}",
        "rule_id": rule.id,
        "channel": channel,
        "priority": rule.priority,
        "language": words.template.language,
        "template_id": words.template.id,
        "template_version": words.template.version,
        "subject": words.subject,
        "body": words.body,
        "html": words.html,
        "sms_encoding": words.sms.encoding if words.sms else None,
        "sms_segments": words.sms.segments if words.sms else None,
        **({} if channel is ChannelCode.EMAIL else _NO_MAIL),
    }


def _of_draft(draft: Draft, key: str) -> dict[str, Any]:
    recipient, channel = draft.recipient, draft.channel
    person = f"{recipient.user_id}:{recipient.actor_type}"
    return {
        "id": next_id(),
        "idempotency_key": f"{key}:{person}:{channel}",
        "rank": draft.rank,
        "recipient_user_id": recipient.user_id,
        "recipient_actor_type": recipient.actor_type,
        "to_phone": draft.to if channel is ChannelCode.SMS else None,
        "to_email": draft.to if channel is ChannelCode.EMAIL else None,
        "next_attempt_at": draft.not_before,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose keys are new; returns how many."""
    # In the order of the key, two events that meet cannot wait for each other crosswise.
    return add_new_rows(session, _OUTBOX, sorted(rows, key=itemgetter("idempotency_key")))


def _ids_of(session: Session, keys: Sequence[str]) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    for start in range(0, len(keys), CHUNK):
        some = select(OutboxMessage.idempotency_key, OutboxMessage.id).where(
            OutboxMessage.idempotency_key.in_(keys[start : start + CHUNK])
        )
        found.update(session.execute(some).all())
    return found


def _skip(reason: str, draft: Draft, outbox_id: uuid.UUID) -> Skip:
    recipient = draft.recipient
    person = recipient.user_id, recipient.actor_type
    return Skip(reason, draft.rule.id, *person, draft.channel, outbox_id)
