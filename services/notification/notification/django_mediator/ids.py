"""Ids as callers write them: ours, or the number that a record had at the Django mediator."""

import re
import uuid

from common.importing.former import find_former
from sqlalchemy.orm import Session

from notification.errors import UnknownRecord
from notification.models import FormerRecord

#: For the document of a path that takes such an id.
FORMER_NUMBER = "Of a record that was imported also the number that it had before"
#: What the mediator's records are called where their numbers are kept.
_FORMER_KINDS = {"outbox": "message", "message": "inbox", "rule": "rule", "template": "template"}
_NUMBER = re.compile(r"[0-9]{1,18}")


def record_id(session: Session, kind: str, text: str) -> uuid.UUID:
    """The id that `text` means: of an `outbox` message, an inbox's `message`, a rule, a template.

    Raises UnknownRecord.
    """
    if _NUMBER.fullmatch(text):
        former = find_former(session, FormerRecord, _FORMER_KINDS[kind], str(int(text)))
        if former is None:
            raise UnknownRecord(kind, text)
        return former
    try:
        return uuid.UUID(text)
    except ValueError:
        raise UnknownRecord(kind, text) from None
