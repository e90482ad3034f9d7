"""What the scheme's own system sends: places, officers, products, families, people, policies.

References are not enforced: a record may arrive before the one it points at. Queries join, so that
an incomplete record simply waits (see `policy_notify.intake.waiting`). `validity_from` tells when a
record began to be as it is: an older one never overwrites a newer one.
"""

import enum
from datetime import date, datetime
from uuid import UUID

from common.db.database import stored_enum
from common.db.sealed_types import SearchableText
from sqlalchemy import Date, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base
from policy_notify.models.purposes import CHF_ID, NUMBER


class LocationLevel(enum.StrEnum):
    """How large a place is; openIMIS's letters."""

    REGION = "R"  # the largest; has no parent
    DISTRICT = "D"  # part of a region
    MUNICIPALITY = "W"  # part of a district (ward)
    VILLAGE = "V"  # part of a municipality; where families live


class PolicyStatus(enum.StrEnum):
    """Where a policy stands; the scheme's own system moves it on."""

    IDLE = "idle"  # enrolled, not paid: never in force
    READY = "ready"  # paid, waits to be activated: not in force yet
    ACTIVE = "active"  # in force from its effective date
    SUSPENDED = "suspended"  # in force, benefits stopped
    EXPIRED = "expired"  # its time is over


class PolicyStage(enum.StrEnum):
    """How a policy came about."""

    NEW = "new"  # the family's first for this product
    RENEWED = "renewed"  # follows an earlier one


class Location(Base):
    """A region, district, municipality or village."""

    __tablename__ = "locations"

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(255))
    level: Mapped[LocationLevel] = mapped_column(stored_enum(LocationLevel))
    parent: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]


class Officer(Base):
    """An enrolment officer."""

    __tablename__ = "officers"

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(50))
    last_name: Mapped[str] = mapped_column(String(100))
    other_names: Mapped[str] = mapped_column(String(100))
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]


class Product(Base):
    """An insurance product, and the one its policies are renewed with."""

    __tablename__ = "products"

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(255))
    conversion_product: Mapped[UUID | None] = mapped_column(Uuid)
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]


class ProductSuccession(Base):
    """A product and one that a policy for it may be renewed with: itself or a later conversion."""

    __tablename__ = "product_successions"

    product: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    successor: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class Family(Base):
    """An insured family; `validity_to` tells that it has ended."""

    __tablename__ = "families"

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    location: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    head: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]


class Insuree(Base):
    """A person; a current member while `family` names one and `validity_to` is empty.

    All that says who it is can be searched: what comes is compared with what is there.
    """

    __tablename__ = "insurees"

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    chf_id: Mapped[str] = mapped_column(SearchableText(CHF_ID), index=True)
    last_name: Mapped[str] = mapped_column(SearchableText(b"last name "), index=True)
    other_names: Mapped[str] = mapped_column(SearchableText(b"other names "))
    #: As the scheme has it; a blank one is stored as none.
    phone: Mapped[str | None] = mapped_column(SearchableText(b"phone "))
    #: The first telephone number in it, in E.164: where messages go.
    number: Mapped[str | None] = mapped_column(SearchableText(NUMBER), index=True)
    family: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]
    #: The person's data was erased: what comes of it again is not taken.
    erased_at: Mapped[datetime | None]


class Policy(Base):
    """A family's insurance for some time; `validity_to` tells that this record is history."""

    __tablename__ = "policies"
    __table_args__ = (
        Index("ix_policies_expiry_date_uuid", "expiry_date", "uuid"),
        Index("ix_policies_effective_date_uuid", "effective_date", "uuid"),
    )

    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    family: Mapped[UUID] = mapped_column(Uuid, index=True)
    product: Mapped[UUID] = mapped_column(Uuid)
    officer: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    status: Mapped[PolicyStatus] = mapped_column(stored_enum(PolicyStatus))
    stage: Mapped[PolicyStage] = mapped_column(stored_enum(PolicyStage))
    enroll_date: Mapped[date | None] = mapped_column(Date)
    start_date: Mapped[date] = mapped_column(Date)
    effective_date: Mapped[date | None] = mapped_column(Date)
    expiry_date: Mapped[date | None] = mapped_column(Date)
    #: A decimal number as text: it is printed, never reckoned with.
    amount_to_be_paid: Mapped[str | None] = mapped_column(String(24))
    validity_from: Mapped[datetime | None]
    validity_to: Mapped[datetime | None]
