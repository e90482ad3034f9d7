"""Messages to contact groups: queued with the change that they tell of, one to each contact."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from common.ids import new_id
from common.texts import LANGUAGES, speaking
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from proxy.alerts.words import Words
from proxy.models import AlertMessage, ContactGroup, MessageState, StaffUser

SMS, EMAIL, WEBHOOK = "sms", "email", "webhook"
KINDS = (SMS, EMAIL, WEBHOOK)


def queue(
    session: Session,
    alert_id: uuid.UUID | None,
    group_ids: Sequence[uuid.UUID | None],
    written: Callable[[], Words],
    now: datetime,
    default_language: str,
    kinds: Sequence[str] = KINDS,
) -> int:
    """Let the contacts of these groups be told, each once; returns how many messages.

    Each reads what is `written` in the language of the account that has its e-mail address, else in
    `default_language`.
    """
    wanted = select(ContactGroup).where(ContactGroup.id.in_([one for one in group_ids if one]))
    contacts = {
        (contact["kind"], contact["address"])
        for group in session.scalars(wanted)
        for contact in group.contacts
        if contact["kind"] in kinds
    }
    read = _languages(session, [address for kind, address in contacts if kind == EMAIL])
    words: dict[str, Words] = {}
    for code in {default_language, *read.values()}:
        with speaking(code):
            words[code] = written()
    rows = [
        {
            "id": new_id(),
            "alert_id": alert_id,
            "kind": kind,
            "address": address,
            "subject": said.short,
            "text": said.short if kind == SMS else said.long,
            "state": MessageState.QUEUED,
            "outcome": "",
            "created_at": now,
            "attempt_count": 0,
            "next_attempt_at": now,
        }
        for kind, address in sorted(contacts)
        for said in [words[read.get(address.lower(), default_language)]]
    ]
    if rows:
        session.execute(insert(AlertMessage), rows)
    return len(rows)


def _languages(session: Session, addresses: Sequence[str]) -> Mapping[str, str]:
    """By e-mail address, in small letters, what those with an account have chosen to read."""
    wanted = select(func.lower(StaffUser.email), StaffUser.language).where(
        func.lower(StaffUser.email).in_([one.lower() for one in addresses]),
        StaffUser.language.is_not(None),
        StaffUser.is_active,
    )
    return {address: code for address, code in session.execute(wanted) if code in LANGUAGES}
