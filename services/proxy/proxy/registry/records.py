"""A record by the id in a URL: found or refused, changed by what a caller sent."""

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from proxy.errors import UnknownRecord
from proxy.models import (
    Alert,
    AlertRule,
    Channel,
    Client,
    ContactGroup,
    CustomRole,
    ExternalSystemRegistration,
    MaintenanceWindow,
    Mediator,
    Passkey,
    RerunTask,
    SavedView,
    StaffUser,
    Transaction,
)

Record = TypeVar("Record")

_KINDS: dict[type[Any], str] = {
    Alert: "alert",
    AlertRule: "alert rule",
    Channel: "channel",
    Client: "client",
    ContactGroup: "contact group",
    CustomRole: "role",
    ExternalSystemRegistration: "registration",
    MaintenanceWindow: "maintenance window",
    Mediator: "mediator",
    Passkey: "passkey",
    RerunTask: "task",
    SavedView: "view",
    StaffUser: "member of staff",
    Transaction: "transaction",
}


def existing(session: Session, model: type[Record], record_id: uuid.UUID) -> Record:
    """The record called `record_id`. Raises UnknownRecord."""
    return _found(session.get(model, record_id), model)


def locked(session: Session, model: type[Record], record_id: uuid.UUID) -> Record:
    """The same, held against other changes until this transaction ends."""
    return _found(session.get(model, record_id, with_for_update={"of": model}), model)


def _found(record: Record | None, model: type[Record]) -> Record:
    if record is None:
        raise UnknownRecord(_KINDS[model])
    return record


def apply(record: Any, changes: Mapping[str, Any]) -> None:
    """Set the attributes that `changes` names."""
    for name, value in changes.items():
        setattr(record, name, value)
