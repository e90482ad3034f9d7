"""Staff join, change roles and leave; at least one active administrator stays."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.clock import utc_now
from common.console.rights import Right, StaffRole
from common.texts import _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access import open_sessions
from proxy.access.roles import ALL_RIGHTS, check_may_give, held_by, with_role
from proxy.access.secrets import hash_secret
from proxy.errors import LastAdministrator
from proxy.models import StaffUser
from proxy.registry.records import apply, locked


def with_hashed_password(given: Mapping[str, Any]) -> dict[str, Any]:
    """`password` becomes `password_hash`, which is slow: do this before a transaction."""
    hashed = dict(given)
    password = hashed.pop("password", None)
    if password is not None:
        hashed["password_hash"] = hash_secret(password)
    return hashed


def create_staff(
    session: Session, given: Mapping[str, Any], *, held: Collection[Right] = ALL_RIGHTS
) -> StaffUser:
    """A new member of staff, let in by somebody who holds `held`.

    Raises Invalid, Forbidden; a taken `username` is an IntegrityError.
    """
    member = StaffUser(**with_role(session, {"role": StaffRole.VIEWER, **given}))
    check_may_give(held_by(member), held)
    session.add(member)
    session.flush()
    return member


def update_staff(
    session: Session,
    member_id: uuid.UUID,
    changes: Mapping[str, Any],
    *,
    held: Collection[Right] = ALL_RIGHTS,
) -> StaffUser:
    """Change a member of staff, by somebody who holds `held`.

    Raises UnknownRecord, LastAdministrator, Invalid; Forbidden unless they hold what the role does,
    before the change and after it: whoever sets a password can sign in with it.
    """
    administrators = in_turn(session)
    member = locked(session, StaffUser, member_id)
    check_may_give(held_by(member), held)
    apply(member, with_role(session, changes))
    check_may_give(held_by(member), held)
    if "password_hash" in changes or not member.is_active:
        open_sessions.end_of(session, member_id, utc_now())
    if not _is_administrator(member):
        _keep_one(administrators, member)
    session.flush()
    return member


def delete_staff(session: Session, member_id: uuid.UUID) -> None:
    """A member of staff leaves. Raises UnknownRecord, LastAdministrator."""
    administrators = in_turn(session)
    member = locked(session, StaffUser, member_id)
    _keep_one(administrators, member)
    session.delete(member)
    session.flush()


def in_turn(session: Session) -> Sequence[StaffUser]:
    """All who could let others in, locked in one order: two who leave at once do it in turn."""
    return session.scalars(
        select(StaffUser)
        .where(StaffUser.role == StaffRole.ADMIN, StaffUser.is_active)
        .order_by(StaffUser.id)
        .with_for_update()
    ).all()


def _is_administrator(member: StaffUser) -> bool:
    return member.role is StaffRole.ADMIN and member.is_active


def _keep_one(administrators: Sequence[StaffUser], leaving: StaffUser) -> None:
    if list(administrators) == [leaving]:
        raise LastAdministrator(_("The last active administrator cannot leave or change role"))
