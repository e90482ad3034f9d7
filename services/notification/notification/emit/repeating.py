"""The same idempotency key again: the same event, or another one under a used key."""

import hashlib
import json
from datetime import datetime
from typing import Any, cast

from common.db.database import insert_into
from common.errors import Invalid
from common.texts import N_, _
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from notification.emit.event import Emission
from notification.emit.written import number_text
from notification.models import EmissionKey

USED = N_("Was used with another event, context, entity or payload.")

_KEYS = cast(Table, EmissionKey.__table__)


def remember_key(session: Session, emission: Emission, now: datetime) -> bool:
    """Note the emission's key with its content; whether it was known. Raises Invalid: with another.

    People, addresses and times may differ: a list may be sent in parts under one key.
    """
    key = emission.idempotency_key
    if key is None:
        return False
    content = fingerprint(emission)
    # One that is in clear yet is no conflict for a sealed one.
    known = session.scalar(select(EmissionKey.fingerprint).where(EmissionKey.key == key))
    if known is not None:
        return _same(known, content)
    statement = insert_into(session, _KEYS).values(key=key, fingerprint=content, created_at=now)
    statement = statement.on_conflict_do_nothing(index_elements=["key"])
    if session.scalar(statement.returning(_KEYS.c.key)) is not None:
        return False
    known = session.scalar(select(EmissionKey.fingerprint).where(EmissionKey.key == key))
    return known is not None and _same(known, content)


def _same(known: str, content: str) -> bool:
    if known != content:
        raise Invalid(f"idempotency_key: {_(USED)}", {"idempotency_key": [USED]})
    return True


def fingerprint(emission: Emission) -> str:
    """What an emission says, whatever the order of its members. Pure."""
    content: list[Any] = [
        emission.event_code,
        emission.context,
        emission.entity_type,
        emission.entity_id,
        emission.payload,
    ]
    content += [one.fingerprint for one in emission.attachments]
    text = json.dumps(_plain(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Numbers as they were written: `1500.00` and 1500 are other words."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return {"number": number_text(value)} if isinstance(value, float) else value
