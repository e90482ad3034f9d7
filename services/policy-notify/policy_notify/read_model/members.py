"""Who in a family can be reached: the head, else the first current member with a phone.

Members come in the order of their uuids, which is the same at any time: CHF ids are sealed. A phone
counts when a number can be read from it.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from policy_notify.models import Family, Insuree


def head_is_current(head: Any) -> ColumnElement[bool]:
    """The join of a family's head; a head who has ended is nobody."""
    return and_(head.uuid == Family.head, head.validity_to.is_(None))


def first_member_with_phone(column: str) -> Any:
    """`column` of the first current member other than the head who has a phone."""
    member = aliased(Insuree, name="member")
    return (
        select(getattr(member, column))
        .where(
            member.family == Family.uuid,
            member.validity_to.is_(None),
            member.number.is_not(None),
            or_(Family.head.is_(None), member.uuid != Family.head),
        )
        .order_by(member.uuid)
        .limit(1)
        .correlate(Family)
        .scalar_subquery()
    )


def has_phone() -> ColumnElement[bool]:
    """The family's head or a current member has a phone."""
    return (
        exists()
        .where(
            Insuree.number.is_not(None),
            Insuree.validity_to.is_(None),
            or_(Insuree.family == Family.uuid, Insuree.uuid == Family.head),
        )
        .correlate(Family)
    )
