"""Messages become rows of the outbox: all of an event's in one transaction, each of them once."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.database import insert_into
from common.ids import new_id
from sqlalchemy import CursorResult, select
from sqlalchemy.orm import Session

from notification.choosing import Draft
from notification.emission import Emission, Skip
from notification.models import ChannelCode, MessageStatus, OutboxMessage
from notification.numbers import normalise

DUPLICATE = "Duplicate idempotency key (already queued)"
#: Keys asked for in one statement.
CHUNK = 5_000


def rows_of(
    emission: Emission, drafts: Sequence[Draft], region: str, now: datetime
) -> list[dict[str, Any]]:
    """The drafts as rows, in their order. Numbers without a country code are from `region`."""
    request_key = emission.idempotency_key or str(uuid.uuid4())
    shared = _of_emission(emission, now)
    return [{**shared, **_of_draft(draft, request_key, region)} for draft in drafts]


def queue(
    session: Session, rows: Sequence[dict[str, Any]], drafts: Sequence[Draft]
) -> tuple[list[uuid.UUID], list[Skip]]:
    """Insert the drafts' rows; returns the new ones' ids, and what had been queued before."""
    if _insert(session, rows) == len(rows):
        return [row["id"] for row in rows], []
    queued = _ids_of(session, [row["idempotency_key"] for row in rows])
    ids: list[uuid.UUID] = []
    skipped: list[Skip] = []
    for row, draft in zip(rows, drafts, strict=True):
        outbox_id = queued[row["idempotency_key"]]
        if outbox_id == row["id"]:
            ids.append(outbox_id)
        else:
            skipped.append(_duplicate(draft, outbox_id))
    return ids, skipped


def _of_emission(emission: Emission, now: datetime) -> dict[str, Any]:
    return {
        "event_code": emission.event_code,
        "status": MessageStatus.QUEUED,
        "is_final": False,
        "entity_type": emission.entity_type,
        "entity_id": emission.entity_id,
        "payload": emission.payload,
        "max_attempts": emission.max_attempts,
        "attempt_count": 0,
        "created_at": now,
    }


def _of_draft(draft: Draft, request_key: str, region: str) -> dict[str, Any]:
    rule, recipient, channel, words = draft.rule, draft.recipient, draft.channel, draft.words
    person = f"{recipient.user_id}:{recipient.actor_type}"
    return {
        "id": new_id(),
        "idempotency_key": f"{request_key}:{rule.event_code}:{rule.id}:{person}:{channel}",
        "rule_id": rule.id,
        "channel": channel,
        "priority": rule.priority,
        "rank": draft.rank,
        "recipient_user_id": recipient.user_id,
        "recipient_actor_type": recipient.actor_type,
        "to_phone": e164(recipient.to_phone, region) if channel is ChannelCode.SMS else None,
        "to_email": recipient.to_email if channel is ChannelCode.EMAIL else None,
        "language": words.template.language,
        "template_id": words.template.id,
        "template_version": words.template.version,
        "subject": words.subject,
        "body": words.body,
        "sms_encoding": words.sms.encoding if words.sms else None,
        "sms_segments": words.sms.segments if words.sms else None,
        "next_attempt_at": draft.not_before,
    }


def e164(numbers: str | None, region: str) -> str | None:
    """Comma-separated numbers in E.164; one that cannot be read stays, and is refused later."""
    if not numbers:
        return None
    return ",".join(normalise(one, region) or one for one in numbers.split(","))


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose keys are new; returns how many."""
    statement = insert_into(session, OutboxMessage.__table__)
    statement = statement.on_conflict_do_nothing(index_elements=["idempotency_key"])
    # In the order of the key, two events that meet cannot wait for each other crosswise.
    ordered = sorted(rows, key=lambda row: row["idempotency_key"])
    done = session.execute(statement, ordered, execution_options={"preserve_rowcount": True})
    assert isinstance(done, CursorResult)
    return done.rowcount


def _ids_of(session: Session, keys: Sequence[str]) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    for start in range(0, len(keys), CHUNK):
        some = select(OutboxMessage.idempotency_key, OutboxMessage.id).where(
            OutboxMessage.idempotency_key.in_(keys[start : start + CHUNK])
        )
        found.update(session.execute(some).all())
    return found


def _duplicate(draft: Draft, outbox_id: uuid.UUID) -> Skip:
    recipient = draft.recipient
    person = recipient.user_id, recipient.actor_type
    return Skip(DUPLICATE, draft.rule.id, *person, draft.channel, outbox_id)
