"""Finding families: by place, officer, and whether they can be notified."""

import enum
from dataclasses import dataclass
from uuid import UUID

from common.texts import N_
from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from policy_notify.models import Family, FamilyConsent, Insuree, Policy
from policy_notify.read_model.members import has_phone
from policy_notify.read_model.places import below


class Mode(enum.IntEnum):
    """openIMIS's numbers for what a family has given."""

    ALL = 0  # whatever
    APPROVAL_AND_PHONE = 1  # can be notified
    APPROVAL_ONLY = 2  # wants to be notified, but has no phone
    PHONE_ONLY = 3  # has a phone, but does not want to be notified
    NEITHER = 4  # no phone and no approval

    @property
    def text(self) -> str:
        """What a report calls it."""
        return _TEXTS[self]


_TEXTS = {
    Mode.ALL: N_("All"),
    Mode.APPROVAL_AND_PHONE: N_("Approval and phone number"),
    Mode.APPROVAL_ONLY: N_("Approval only"),
    Mode.PHONE_ONLY: N_("Phone number only"),
    Mode.NEITHER: N_("No approval and phone number"),
}


def has_approved() -> ColumnElement[bool]:
    """The family's consent says yes."""
    return (
        exists()
        .where(
            FamilyConsent.family == Family.uuid,
            FamilyConsent.approval.is_(True),
            FamilyConsent.validity_to.is_(None),
        )
        .correlate(Family)
    )


def in_mode(mode: Mode) -> list[ColumnElement[bool]]:
    """What is asked of a family."""
    approved, phone = has_approved(), has_phone()
    return {
        Mode.ALL: [],
        Mode.APPROVAL_AND_PHONE: [approved, phone],
        Mode.APPROVAL_ONLY: [approved, ~phone],
        Mode.PHONE_ONLY: [~approved, phone],
        Mode.NEITHER: [~approved, ~phone],
    }[mode]


def of_officer(officer: UUID) -> ColumnElement[bool]:
    """The family has a policy that this officer enrolled."""
    enrolled = Policy.family == Family.uuid, Policy.officer == officer, Policy.validity_to.is_(None)
    return exists().where(*enrolled).correlate(Family)


@dataclass(frozen=True, kw_only=True)
class FamilyFilter:
    """Which families; None does not count. Ended families are never meant."""

    mode: Mode = Mode.ALL
    region: UUID | None = None
    district: UUID | None = None
    officer: UUID | None = None

    def query(self) -> Select[Family]:
        """The families that are meant."""
        query = select(Family).where(Family.validity_to.is_(None), *in_mode(self.mode))
        for area in (self.region, self.district):
            if area is not None:
                query = query.where(Family.location.in_(below(area)))
        return query if self.officer is None else query.where(of_officer(self.officer))


@dataclass(frozen=True)
class FamilyView:
    """A family as a list shows it; `consent` and `head` are None where there is none."""

    uuid: UUID
    location: UUID | None
    head: Insuree | None
    consent: FamilyConsent | None


def views(session: Session, families: list[Family]) -> list[FamilyView]:
    """The families with their heads and consents, in the same order."""
    ids = [family.uuid for family in families]
    consents = {
        consent.family: consent
        for consent in session.scalars(select(FamilyConsent).where(FamilyConsent.family.in_(ids)))
    }
    heads = [family.head for family in families if family.head is not None]
    people = {
        person.uuid: person
        for person in session.scalars(select(Insuree).where(Insuree.uuid.in_(heads)))
    }
    return [
        FamilyView(
            family.uuid,
            family.location,
            people.get(family.head) if family.head else None,
            consents.get(family.uuid),
        )
        for family in families
    ]
