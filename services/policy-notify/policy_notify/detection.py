"""Which policies something is to be told about: one search per type, in batches by key.

Every search is plain SQL for both databases. A (policy, type, date) that has a final attempt is
not found again; one whose last attempts failed is, by every later run, while its window lasts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from common.database import Database
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from policy_notify.candidates import Candidate
from policy_notify.config import Settings
from policy_notify.members import first_member_with_phone, head_is_current
from policy_notify.models import (
    Family,
    FamilyConsent,
    Indication,
    IndicationDetails,
    IndicationStatus,
    Insuree,
    NotificationType,
    Policy,
    PolicyStage,
    PolicyStatus,
    Product,
    ProductSuccession,
)

BATCH = 1_000

_HEAD = aliased(Insuree, name="head")
_LATER = aliased(Policy, name="later")


@dataclass(frozen=True)
class Search:
    """What to look for: a type, and the day its date must have; None for undated types."""

    type: NotificationType
    day: date | None


def searches(settings: Settings, today: date) -> list[Search]:
    """All searches of a run for `today`; the oldest day of a window comes first. Pure."""
    caught_up = [timedelta(days=back) for back in range(settings.catch_up_days, -1, -1)]
    before = timedelta(days=settings.before_expiry_days)
    after = timedelta(days=settings.after_expiry_days)
    found = [Search(NotificationType.ACTIVATION, None)]
    found += [Search(NotificationType.STARTING, today - back) for back in caught_up]
    found += [
        # What has expired by now is told by the other types.
        Search(NotificationType.BEFORE_EXPIRY, today + before - back)
        for back in caught_up
        if back <= before
    ]
    found += [Search(NotificationType.EXPIRATION, today - back) for back in caught_up]
    found += [Search(NotificationType.AFTER_EXPIRY, today - after - back) for back in caught_up]
    return [*found, Search(NotificationType.RENEWAL, None)]


def find(database: Database, search: Search, run_id: UUID | None) -> Iterator[list[Candidate]]:
    """Batches of what `search` finds; each batch is read in a transaction of its own.

    What `run_id` has tried already is left out.
    """
    after: UUID | None = None
    while True:
        query = _query(search, run_id)
        if after is not None:
            query = query.where(Policy.uuid > after)
        with database.reading() as session:
            rows = session.execute(query.order_by(Policy.uuid).limit(BATCH)).all()
        if rows:
            yield [Candidate(search.type, *row) for row in rows]
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _query(search: Search, run_id: UUID | None) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Policy.uuid,
            Policy.family,
            Policy.start_date,
            Policy.effective_date,
            Policy.expiry_date,
            Policy.validity_from,
            Policy.amount_to_be_paid,
            Product.code,
            Product.name,
            _HEAD.chf_id,
            _HEAD.last_name,
            _HEAD.other_names,
            func.coalesce(_HEAD.phone, first_member_with_phone("phone")),
            FamilyConsent.approval,
            FamilyConsent.language,
            getattr(Indication, search.type.value),
            _attempts(search.type),
        )
        .join(Family, and_(Family.uuid == Policy.family, Family.validity_to.is_(None)))
        .join(Product, Product.uuid == Policy.product)
        .outerjoin(_HEAD, head_is_current(_HEAD))
        .outerjoin(
            FamilyConsent,
            and_(FamilyConsent.family == Policy.family, FamilyConsent.validity_to.is_(None)),
        )
        .outerjoin(Indication, Indication.policy == Policy.uuid)
        .where(Policy.validity_to.is_(None), *_found_by(search), ~_is_done(search.type, run_id))
    )


def _found_by(search: Search) -> list[ColumnElement[bool]]:
    is_active = Policy.status == PolicyStatus.ACTIVE
    match search.type:
        case NotificationType.ACTIVATION:
            return [is_active, Policy.stage != PolicyStage.RENEWED]
        case NotificationType.RENEWAL:
            return [is_active, Policy.stage == PolicyStage.RENEWED]
        case NotificationType.STARTING:
            return [is_active, Policy.effective_date == search.day]
        case _:
            was_in_force = Policy.status != PolicyStatus.IDLE
            return [was_in_force, Policy.expiry_date == search.day, ~_is_renewed()]


def _is_renewed() -> ColumnElement[bool]:
    """The family has a later policy for the same product or one that it converts to."""
    return (
        exists()
        .where(
            _LATER.family == Policy.family,
            _LATER.validity_to.is_(None),
            _LATER.start_date > Policy.expiry_date,
            ProductSuccession.product == Policy.product,
            ProductSuccession.successor == _LATER.product,
        )
        .correlate(Policy)
    )


def _same(type_: NotificationType) -> list[ColumnElement[bool]]:
    """The attempts at this message: of a dated type, those for the policy's present date."""
    details = IndicationDetails
    same: list[ColumnElement[bool]] = [details.policy == Policy.uuid, details.type == type_]
    if type_ is NotificationType.STARTING:
        same.append(details.event_date == Policy.effective_date)
    elif type_ not in (NotificationType.ACTIVATION, NotificationType.RENEWAL):
        same.append(details.event_date == Policy.expiry_date)
    return same


def _is_done(type_: NotificationType, run_id: UUID | None) -> ColumnElement[bool]:
    is_final: ColumnElement[bool] = IndicationDetails.status != IndicationStatus.ERROR
    if run_id is not None:
        is_final = or_(is_final, IndicationDetails.run_id == run_id)
    return exists().where(*_same(type_), is_final).correlate(Policy)


def _attempts(type_: NotificationType) -> Any:
    """How often it was tried, whatever the date: attempts are numbered through."""
    return (
        select(func.coalesce(func.max(IndicationDetails.attempt), 0))
        .where(IndicationDetails.policy == Policy.uuid, IndicationDetails.type == type_)
        .correlate(Policy)
        .scalar_subquery()
    )
