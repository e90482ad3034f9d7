"""A record that an address or a form names, or the error that says it is not there."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from policy_notify.errors import UnknownRecord
from policy_notify.models import Base

RecordT = TypeVar("RecordT", bound=Base)


def existing(
    session: Session, model: type[RecordT], uuid: UUID, name: str | None = None
) -> RecordT:
    """The record of that key. Raises UnknownRecord, which calls it `name`, else as its class."""
    found = session.get(model, uuid)
    if found is None:
        raise UnknownRecord(name or model.__name__.lower())
    return found
