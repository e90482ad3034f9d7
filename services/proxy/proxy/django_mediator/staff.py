"""The mediator's users who may open its admin pages: with their passwords' hashes."""

import uuid
from typing import Any

from common.console.staff import StaffRole
from common.importing.bring import Records, Saved, table_of
from common.importing.loading import DOES_NOT_FIT, loaded, why
from common.importing.report import LeftOut
from common.importing.source import Row
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.staff import create_staff, update_staff
from proxy.django_mediator.passwords import as_werkzeug
from proxy.django_mediator.tables import USERS
from proxy.models import StaffUser
from proxy.schemas.staff import StaffIn

_KEPT = "was here already and stays as it is here"


def role_of(row: Row) -> StaffRole:
    """A superuser administers, other staff operate. Raises LeftOut for people who are neither."""
    if row["is_superuser"]:
        return StaffRole.ADMIN
    if row["is_staff"]:
        return StaffRole.OPERATOR
    raise LeftOut("is not staff: could not open the admin pages either")


def _save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
    given = {name: row[name] for name in ("username", "email", "is_active")}
    fields = loaded(StaffIn(exclude=("password", "role")), given)
    fields |= {"role": role_of(row), "password_hash": as_werkzeug(row["password"] or "")}
    try:
        return _saved(session, fields, before)
    except DOES_NOT_FIT as exc:
        raise LeftOut(why(exc)) from exc


def _saved(session: Session, fields: dict[str, Any], before: uuid.UUID | None) -> Saved:
    if before is not None and session.get(StaffUser, before) is not None:
        update_staff(session, before, fields)
        return Saved(before, False)
    known = session.scalar(select(StaffUser.id).where(StaffUser.username == fields["username"]))
    if known is not None:
        return Saved(known, False, _KEPT)
    return Saved(create_staff(session, fields).id, True)


def staff() -> Records:
    """How staff come over. What changed at the mediator since, a password among it, comes again."""
    return Records(
        kind="staff",
        table=USERS,
        into=table_of(StaffUser),
        save=_save,
        name=lambda row: str(row["username"]),
        secrets=(),
    )
