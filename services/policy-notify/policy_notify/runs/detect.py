"""Which policies something is due: one search per type, in batches by key.

Every search is plain SQL for both databases. A (policy, type, date) that has a final attempt is
not found again; one whose last attempts failed is, by every later run, while its window lasts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from common.db.database import Database
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from policy_notify.config import Settings
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
from policy_notify.read_model.members import first_member_with_phone, head_is_current
from policy_notify.runs.candidates import Candidate

BATCH = 1_000

#: Whose end is no end of cover, and who is not asked to renew where suspended ones are not.
NEVER_IN_FORCE = (PolicyStatus.IDLE, PolicyStatus.READY)
UNREMINDED = (*NEVER_IN_FORCE, PolicyStatus.SUSPENDED)

_HEAD = aliased(Insuree, name="head")
_LATER = aliased(Policy, name="later")


#: Types that are about no day: they are sent once, whenever that is.
UNDATED = (NotificationType.ACTIVATION, NotificationType.RENEWAL)


@dataclass(frozen=True)
class Practice:
    """What a scheme decides about renewals; the defaults are openIMIS's.

    `idle_renewal_counts`: a renewal that is not paid yet silences reminders. `gap_days`: a renewal
    begins at most that many days after the day after expiry; None: whenever. `reminds_suspended`:
    suspended policies are asked to renew.
    """

    idle_renewal_counts: bool = True
    gap_days: int | None = None
    reminds_suspended: bool = True


@dataclass(frozen=True)
class Search:
    """What to look for: a type, and the day its date must have; None for undated types."""

    type: NotificationType
    day: date | None
    practice: Practice = Practice()


def practice_of(settings: Settings) -> Practice:
    """The settings that decide about renewals."""
    return Practice(
        settings.idle_renewal_counts, settings.renewal_gap_days, settings.reminds_suspended
    )


def searches(settings: Settings, today: date) -> list[Search]:
    """All searches of a run for `today`; the oldest day of a window comes first. Pure.

    A type that is off is not looked for: it leaves no trace, and finds its window once it is on.
    """
    practice = practice_of(settings)
    return [
        replace(search, practice=practice)
        for search in _all_searches(settings, today)
        if search.type in settings.eligible_types
    ]


def _all_searches(settings: Settings, today: date) -> list[Search]:
    caught_up = [timedelta(days=back) for back in range(settings.catch_up_days, -1, -1)]
    before = timedelta(days=settings.before_expiry_days)
    after = timedelta(days=settings.after_expiry_days)
    found = [Search(NotificationType.ACTIVATION, None)]
    found += [Search(NotificationType.STARTING, today - back) for back in caught_up]
    found += [
        # What has expired by now is due for the other types.
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
        query = _query(search).where(~_is_done(search.type, run_id))
        if after is not None:
            query = query.where(Policy.uuid > after)
        with database.reading() as session:
            rows = session.execute(query.order_by(Policy.uuid).limit(BATCH)).all()
        if rows:
            yield [Candidate(search.type, *row) for row in rows]
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def still_found(session: Session, search: Search, policies: list[UUID]) -> dict[UUID, Candidate]:
    """Those of `policies` that `search` finds as they are now, tried before or not."""
    query = _query(search).where(Policy.uuid.in_(policies))
    return {row[0]: Candidate(search.type, *row) for row in session.execute(query)}


def _query(search: Search) -> Select[*tuple[Any, ...]]:
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
            func.coalesce(_HEAD.number, first_member_with_phone("number")),
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
        .where(Policy.validity_to.is_(None), *_found_by(search))
    )


def _found_by(search: Search) -> list[ColumnElement[bool]]:
    is_active = Policy.status == PolicyStatus.ACTIVE
    is_unsent = getattr(Indication, search.type.value).is_(None)
    match search.type:
        case NotificationType.ACTIVATION:
            return [is_active, Policy.stage != PolicyStage.RENEWED, is_unsent]
        case NotificationType.RENEWAL:
            return [is_active, Policy.stage == PolicyStage.RENEWED, is_unsent]
        case NotificationType.STARTING:
            return [is_active, Policy.effective_date == search.day]
        case _:
            practice = search.practice
            never = NEVER_IN_FORCE if practice.reminds_suspended else UNREMINDED
            was_in_force = Policy.status.not_in(never)
            return [was_in_force, Policy.expiry_date == search.day, ~_is_renewed(search)]


def _is_renewed(search: Search) -> ColumnElement[bool]:
    """The family has a later policy for the same product or one that it converts to."""
    later = [
        _LATER.family == Policy.family,
        _LATER.validity_to.is_(None),
        _LATER.start_date > Policy.expiry_date,
        ProductSuccession.product == Policy.product,
        ProductSuccession.successor == _LATER.product,
    ]
    if not search.practice.idle_renewal_counts:
        later.append(_LATER.status != PolicyStatus.IDLE)
    if search.practice.gap_days is not None and search.day is not None:
        last = search.day + timedelta(days=1 + search.practice.gap_days)
        later.append(_LATER.start_date <= last)
    return exists().where(*later).correlate(Policy)


def _same(type_: NotificationType) -> list[ColumnElement[bool]]:
    """The attempts at this message: of a dated type, those for the policy's present date."""
    details = IndicationDetails
    same: list[ColumnElement[bool]] = [details.policy == Policy.uuid, details.type == type_]
    if type_ is NotificationType.STARTING:
        same.append(details.event_date == Policy.effective_date)
    elif type_ not in UNDATED:
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
