"""Roles of staff that administrators make: sets of rights, and the channels whose calls they reach.

A role's channels are kept as ids: one that was renamed stays, one that was deleted and made again
does not come back. Calls are on record by the channel's name, so names are what queries ask for.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from common.console.rights import BUILT_IN, LABELS, Right, StaffRole, rights_of
from common.errors import Forbidden, Invalid
from common.texts import _, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.access.scopes import RIGHT_SCOPES, excess
from proxy.errors import StillReferenced
from proxy.models import Channel, CustomRole, StaffUser
from proxy.registry.records import apply, locked

#: What a role may hold that reaches the calls of chosen channels only: whoever may do more to the
#: gateway reaches the calls of every channel.
LIMITED = frozenset(
    {Right.GATEWAY_OBSERVE, Right.GATEWAY_READ, Right.GATEWAY_BODIES, Right.GATEWAY_RERUN}
) | {one for one in Right if not one.startswith("gateway:")}
ALL_RIGHTS = frozenset(Right)
CHANNEL_SETS = ("view_channels", "body_channels", "rerun_channels")

Names = frozenset[str] | None


@dataclass(frozen=True)
class Reach:
    """The channels whose calls one may view, see bodies of, make again; None: all."""

    view: Names = None
    bodies: Names = None
    rerun: Names = None


ALL_CHANNELS = Reach()


def reach_of(session: Session, role: CustomRole | None) -> Reach:
    """The reach of a member's role. What may not be viewed is not opened or made again either."""
    if role is None or not is_limited(role):
        return ALL_CHANNELS
    view, bodies, rerun = (_names(session, getattr(role, one)) for one in CHANNEL_SETS)
    return Reach(view, both(view, bodies), both(view, rerun))


def is_limited(role: CustomRole) -> bool:
    """Whether it reaches the calls of chosen channels only."""
    return any(getattr(role, one) is not None for one in CHANNEL_SETS)


def held_by(member: StaffUser) -> frozenset[Right]:
    """What a member of staff may do."""
    return rights_of(member.role) if member.custom_role is None else _rights(member.custom_role)


def _rights(role: CustomRole) -> frozenset[Right]:
    """Those that this version knows."""
    return frozenset(Right(one) for one in role.rights if one in set(Right))


def held_with(scopes: Collection[str]) -> frozenset[Right]:
    """The rights that whoever holds `scopes` may give."""
    return frozenset(one for one in Right if not excess(RIGHT_SCOPES[one], scopes))


def is_demanding(member: StaffUser, demanding: Collection[str]) -> bool:
    """Whether a password alone is not enough for them, as it is for the roles `demanding`.

    Another role is as demanding where it holds what only demanding ones among the built-in do.
    """
    if not demanding or member.role_name in demanding:
        return bool(demanding)
    elsewhere = [rights for role, rights in BUILT_IN.items() if role not in demanding]
    asked = ALL_RIGHTS - frozenset().union(*elsewhere)
    return member.custom_role is not None and not asked.isdisjoint(held_by(member))


def with_role(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    """`role`, a name, becomes what is stored of it. Raises Invalid for one that nobody made."""
    found = dict(given)
    name = found.get("role")
    if name is None:
        return found
    if name in set(StaffRole):
        return {**found, "role": StaffRole(name), "custom_role": None}
    custom = session.scalar(select(CustomRole).where(CustomRole.name == name))
    if custom is None:
        raise Invalid(_("No such role"), {"role": [_("There is no such role.")]})
    # Where the version before still runs they are observers.
    return {**found, "role": StaffRole.OBSERVER, "custom_role": custom}


def check_may_give(wanted: Collection[Right], held: Collection[Right]) -> None:
    """Raise Forbidden where somebody would give, or take, what they do not hold themselves."""
    missing = sorted(set(wanted) - set(held))
    if missing:
        words = "; ".join(_(LABELS[one]) for one in missing)
        raise Forbidden(
            _("You cannot give or change what you do not hold: %(rights)s", rights=words[:500])
        )


def create_role(
    session: Session, given: Mapping[str, Any], held: Collection[Right] = ALL_RIGHTS
) -> CustomRole:
    """A new role. Raises Invalid, Forbidden; a taken name is an IntegrityError."""
    role = CustomRole(**given)
    _check(session, role, held)
    session.add(role)
    session.flush()
    return role


def update_role(
    session: Session,
    role_id: uuid.UUID,
    changes: Mapping[str, Any],
    held: Collection[Right] = ALL_RIGHTS,
) -> CustomRole:
    """Change a role, for all who have it. Raises UnknownRecord, Invalid, Forbidden."""
    role = locked(session, CustomRole, role_id)
    check_may_give(_rights(role), held)
    apply(role, changes)
    _check(session, role, held)
    session.flush()
    return role


def delete_role(session: Session, role_id: uuid.UUID, held: Collection[Right] = ALL_RIGHTS) -> None:
    """Forget a role that nobody has. Raises UnknownRecord, Forbidden, StillReferenced."""
    role = locked(session, CustomRole, role_id)
    check_may_give(_rights(role), held)
    members = select(func.count()).where(StaffUser.role_id == role_id)
    if count := session.scalar(members):
        raise StillReferenced(
            ngettext(
                "%(count)s member of staff has this role",
                "%(count)s members of staff have this role",
                count,
            )
        )
    session.delete(role)
    session.flush()


def _check(session: Session, role: CustomRole, held: Collection[Right]) -> None:
    rights = _rights(role)
    check_may_give(rights, held)
    if role.name in set(StaffRole):
        raise Invalid(_("The name is taken"), {"name": [_("A built-in role has this name.")]})
    if is_limited(role) and (wider := sorted(rights - LIMITED)):
        words = _("These reach the calls of every channel: %(rights)s.", rights=", ".join(wider))
        raise Invalid(_("The role cannot be limited to channels"), {"rights": [words]})
    for name in CHANNEL_SETS:
        _check_channels(session, name, getattr(role, name))


def _check_channels(session: Session, name: str, ids: Collection[str] | None) -> None:
    wanted = set(ids or ())
    known = select(Channel.id).where(Channel.id.in_([uuid.UUID(one) for one in wanted]))
    unknown = wanted - {str(one) for one in session.scalars(known)}
    if unknown:
        raise Invalid(
            _("No such channel"), {name: [_("No such channel: %(name)s.", name=min(unknown))]}
        )


def _names(session: Session, ids: Collection[str] | None) -> Names:
    if ids is None:
        return None
    wanted = [uuid.UUID(one) for one in ids]
    return frozenset(session.scalars(select(Channel.name).where(Channel.id.in_(wanted))))


def both(one: Names, other: Names) -> Names:
    """The channels of one and of the other; None: all. Pure."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
