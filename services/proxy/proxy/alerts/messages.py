"""Messages to contact groups: queued with the change that they tell of, one to each contact."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from common.ids import new_id
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from proxy.alerts.words import Words
from proxy.models import AlertMessage, ContactGroup, MessageState

SMS, EMAIL, WEBHOOK = "sms", "email", "webhook"
KINDS = (SMS, EMAIL, WEBHOOK)


def queue(
    session: Session,
    alert_id: uuid.UUID | None,
    group_ids: Sequence[uuid.UUID | None],
    words: Words,
    now: datetime,
    kinds: Sequence[str] = KINDS,
) -> int:
    """Let the contacts of these groups be told, each once; returns how many messages."""
    wanted = select(ContactGroup).where(ContactGroup.id.in_([one for one in group_ids if one]))
    contacts = {
        (contact["kind"], contact["address"])
        for group in session.scalars(wanted)
        for contact in group.contacts
        if contact["kind"] in kinds
    }
    rows = [
        {
            "id": new_id(),
            "alert_id": alert_id,
            "kind": kind,
            "address": address,
            "subject": words.short,
            "text": words.short if kind == SMS else words.long,
            "state": MessageState.QUEUED,
            "outcome": "",
            "created_at": now,
            "attempt_count": 0,
            "next_attempt_at": now,
        }
        for kind, address in sorted(contacts)
    ]
    if rows:
        session.execute(insert(AlertMessage), rows)
    return len(rows)
