"""Messages about payments: decided by the read model and the family's consent, then dispatched.

They are about something that the payer has just done, so they do not wait for a run's hour; they
have a lease of their own. What was surely not sent is tried again for `CATCH_UP_DAYS`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import and_, case, false, func, select, update
from sqlalchemy.orm import Session, aliased

from policy_notify.config import Settings
from policy_notify.container import Container
from policy_notify.errors import RunLost
from policy_notify.models import (
    Delivery,
    Family,
    FamilyConsent,
    IndicationStatus,
    Insuree,
    PaymentEvent,
    PaymentNotice,
    PaymentText,
    Policy,
    PolicyStatus,
    Product,
)
from policy_notify.providers import Message
from policy_notify.read_model.members import first_member_with_phone, head_is_current
from policy_notify.runs.candidates import DATE_FORMAT, shown_amount
from policy_notify.runs.dispatch import Dispatcher
from policy_notify.runs.eligibility import DENIED, NO_PHONE, OBSOLETE, Rejection, unknown_value
from policy_notify.runs.lease import PAYMENTS_LEASE_ID, Lease
from policy_notify.sweeper import settle_interrupted
from policy_notify.texts.catalogue import PAYMENT_KEYS, Texts

log = get_logger(__name__)

#: Waited before a message that nobody took, or that nobody could get, is tried again.
RETRY_AFTER = timedelta(minutes=15)
#: Of policies of one payment, so many different values are named.
MOST_NAMED = 3
NOT_ENABLED = "Messages about this event of payments are not enabled"
UNKNOWN_POLICY = "A policy of the payment is not known"

_HEAD = aliased(Insuree, name="payments_head")


@dataclass(frozen=True, slots=True)
class Insured:
    """A policy of a payment, with what its family says. The names are those of the query."""

    policy: UUID
    family: UUID
    status: PolicyStatus
    effective_date: Any
    expiry_date: Any
    amount_to_be_paid: str | None
    product_code: str | None
    product_name: str | None
    chf_id: str | None
    last_name: str | None
    other_names: str | None
    number: str | None
    approval: bool | None
    language: str | None


@dataclass(frozen=True)
class PaymentJudge:
    """Decides on notices at a moment. Pure."""

    enabled: frozenset[PaymentEvent]
    catch_up_days: int
    zone: ZoneInfo
    texts: Texts
    now: datetime

    def decide(self, notice: PaymentNotice, insured: Sequence[Insured]) -> Message | Rejection:
        """Reject, or write the message: to the payer's number, else to the one family's.

        A payment for one family keeps to its consent. One for none, or for several, concerns the
        payer alone.
        """
        families = {one.family for one in insured}
        family = insured[0] if len(families) == 1 else None
        recipient = notice.payer_number or (family.number if family else None)
        why_not = self._why_not(notice, insured, family, recipient)
        if why_not is not None:
            return why_not
        facts = notice.facts or {}
        said = _said(notice, insured)
        own = family.language if family else None
        language = self.texts.language(facts.get("language") or own)
        variables = self._variables(notice, facts, insured)
        hole = self.texts.lacks(language, PAYMENT_KEYS[said], variables)
        if hole is not None:
            return Rejection(IndicationStatus.NOT_VALID, unknown_value(hole))
        return Message(
            id=notice.id,
            type=said,
            policy=insured[0].policy if insured else None,
            family=family.family if family else None,
            recipient=recipient or "",
            language=language,
            text=self.texts.fill(language, PAYMENT_KEYS[said], variables),
            variables=variables,
            payment=notice.payment or notice.uuid,
        )

    def _why_not(
        self,
        notice: PaymentNotice,
        insured: Sequence[Insured],
        family: Insured | None,
        recipient: str | None,
    ) -> Rejection | None:
        if notice.type not in self.enabled:
            return Rejection(IndicationStatus.NOT_VALID, NOT_ENABLED)
        if self.now - notice.occurred_at > timedelta(days=self.catch_up_days + 1):
            return Rejection(IndicationStatus.OBSOLETE, OBSOLETE)
        if len(insured) < len(notice.policies):
            return Rejection(IndicationStatus.ERROR, UNKNOWN_POLICY)
        if family is not None and not family.approval:
            return Rejection(IndicationStatus.NO_PERMISSION, DENIED)
        if recipient is None:
            return Rejection(IndicationStatus.ERROR, NO_PHONE)
        return None

    def _variables(
        self, notice: PaymentNotice, facts: Mapping[str, Any], insured: Sequence[Insured]
    ) -> dict[str, str]:
        """What a text may name; an unknown value is empty."""
        expected, received = facts.get("expected_amount"), facts.get("received_amount")
        owed = expected or (insured[0].amount_to_be_paid if len(insured) == 1 else None)
        was_paid = notice.type in (PaymentEvent.PAID, PaymentEvent.NOT_MATCHED)
        paid_at = facts.get("paid_at") or (notice.occurred_at.isoformat() if was_paid else None)
        return {
            "InsuranceID": _named(one.chf_id for one in insured),
            "Name": _named(_name(one) for one in insured),
            "EffectiveDate": _named(_day(one.effective_date) for one in insured),
            "ExpiryDate": _named(_day(one.expiry_date) for one in insured),
            "ProductCode": _named(one.product_code for one in insured),
            "ProductName": _named(one.product_name for one in insured),
            "AmountToBePaid": shown_amount(owed),
            "ControlNumber": facts.get("control_number") or "",
            "RequestDate": self._shown(facts.get("requested_at"), DATE_FORMAT),
            "RequestTime": self._shown(facts.get("requested_at"), "%H:%M"),
            "ExpectedAmount": shown_amount(expected),
            "ReceivedAmount": shown_amount(received),
            "ErrorMessage": facts.get("error") or "",
            "PaymentDate": self._shown(paid_at, DATE_FORMAT),
            "PaymentLeft": shown_amount(_left(expected, received)),
            "NumberPolicies": str(len(notice.policies)),
        }

    def _shown(self, moment: str | None, form: str) -> str:
        if moment is None:
            return ""
        return datetime.fromisoformat(moment).astimezone(self.zone).strftime(form)


def _said(notice: PaymentNotice, insured: Sequence[Insured]) -> PaymentText:
    """Which text says it. Pure."""
    match notice.type:
        case PaymentEvent.CONTROL_NUMBER_ASSIGNED:
            return PaymentText.ASSIGNED
        case PaymentEvent.CONTROL_NUMBER_FAILED:
            is_bulk = len(notice.policies) > 1
            return PaymentText.BULK_FAILED if is_bulk else PaymentText.SINGLE_FAILED
        case PaymentEvent.NOT_MATCHED:
            return PaymentText.NOT_MATCHED
        case PaymentEvent.PAID:
            activated = (notice.facts or {}).get("activated")
            if activated is None:
                active = [one.status is PolicyStatus.ACTIVE for one in insured]
                activated = bool(active) and all(active)
            return PaymentText.ACTIVATED if activated else PaymentText.NOT_ACTIVATED


def _left(expected: str | None, received: str | None) -> str | None:
    """What is still to be paid; None where either is not known."""
    if expected is None or received is None:
        return None
    return str(max(Decimal(expected) - Decimal(received), Decimal()))


def _name(one: Insured) -> str:
    return f"{one.other_names or ''} {one.last_name or ''}".strip()


def _day(day: Any) -> str:
    return day.strftime(DATE_FORMAT) if day else ""


def _named(values: Iterable[str | None]) -> str:
    """The different ones: `A`, `A, B`, or `A, B, C +2`; nothing when one is not known. Pure."""
    distinct = list(dict.fromkeys(value or "" for value in values))
    if "" in distinct:
        return ""
    more = len(distinct) - MOST_NAMED
    return ", ".join(distinct[:MOST_NAMED]) + (f" +{more}" if more > 0 else "")


class PaymentAttempts:
    """The messages about payments; see `policy_notify.runs.attempts.Attempts`."""

    model = PaymentNotice

    def __init__(self, settings: Settings, texts: Texts) -> None:
        self._settings = settings
        self._texts = texts

    def decide_again(
        self, session: Session, rows: Sequence[PaymentNotice], now: datetime
    ) -> dict[UUID, Message | Rejection]:
        """Nothing is decided before: a notice is judged when it is about to leave."""
        settings = self._settings
        judge = PaymentJudge(
            settings.payment_events,
            settings.catch_up_days,
            settings.scheme_timezone,
            self._texts,
            now,
        )
        wanted = {row.id: [UUID(one) for one in row.policies] for row in rows}
        found = _insured(session, {one for policies in wanted.values() for one in policies})
        return {
            row.id: judge.decide(row, [found[one] for one in wanted[row.id] if one in found])
            for row in rows
        }

    def keep_sent(self, session: Session, messages: Sequence[Message], now: datetime) -> None:
        """The notice itself says so."""


def _insured(session: Session, policies: set[UUID]) -> dict[UUID, Insured]:
    """The policies with their families; a family that has ended approves of nothing."""
    query = (
        select(
            Policy.uuid,
            Policy.family,
            Policy.status,
            Policy.effective_date,
            Policy.expiry_date,
            Policy.amount_to_be_paid,
            Product.code,
            Product.name,
            _HEAD.chf_id,
            _HEAD.last_name,
            _HEAD.other_names,
            func.coalesce(_HEAD.number, first_member_with_phone("number")),
            case((Family.validity_to.is_not(None), false()), else_=FamilyConsent.approval),
            FamilyConsent.language,
        )
        .join(Family, Family.uuid == Policy.family)
        .outerjoin(Product, Product.uuid == Policy.product)
        .outerjoin(_HEAD, head_is_current(_HEAD))
        .outerjoin(
            FamilyConsent,
            and_(FamilyConsent.family == Policy.family, FamilyConsent.validity_to.is_(None)),
        )
        .where(Policy.uuid.in_(policies))
    )
    rows: Iterable[Any] = session.execute(query)
    return {row[0]: Insured(*row) for row in rows}


class PaymentSender:
    """Sends what was reported of payments; one process at a time, under the lease."""

    def __init__(
        self, container: Container, is_stopping: Callable[[], bool], lease: Lease | None = None
    ) -> None:
        self._container = container
        self._is_stopping = is_stopping
        length = container.settings.run_lease
        self._lease = lease or Lease(length, row_id=PAYMENTS_LEASE_ID)

    def step(self) -> bool:
        """Send all that can be sent now; False when there was nothing, or another is at it."""
        database, lease = self._container.database, self._lease
        if not _has_open(database, lease.now()):
            return False
        with database.writing() as session:
            if not lease.take(session):
                return False
        try:
            self._send()
            with database.writing() as session:
                lease.give_back(session)
        except RunLost:
            log.warning("payments_lost")
        return True

    def _send(self) -> None:
        container, lease = self._container, self._lease
        database, settings = container.database, container.settings
        repeatable = [one.name for one in container.providers if one.is_repeatable]
        settle_interrupted(database, PaymentNotice, repeatable, lease.now(), lease.keep)
        _try_again(database, lease)
        dispatcher = Dispatcher(
            database,
            container.providers,
            lease,
            PaymentAttempts(settings, container.texts),
            keep_days=settings.catch_up_days,
            now=lease.now,
        )
        dispatcher.run(self._is_stopping)


def _is_tried_again(now: datetime) -> Any:
    notice = PaymentNotice
    return and_(
        notice.delivery == Delivery.ENDED,
        notice.status == IndicationStatus.ERROR,
        notice.ended_at < now - RETRY_AFTER,
    )


def _has_open(database: Database, now: datetime) -> bool:
    notice = PaymentNotice
    is_open = (notice.delivery != Delivery.ENDED) | _is_tried_again(now)
    with database.reading() as session:
        return session.scalar(select(notice.id).where(is_open).limit(1)) is not None


def _try_again(database: Database, lease: Lease) -> None:
    """What failed is ready once more; it is judged again, and may be too old by now."""
    notice = PaymentNotice
    with database.writing() as session:
        lease.keep(session)
        session.execute(
            update(notice)
            .where(_is_tried_again(lease.now()))
            .values(delivery=Delivery.READY, ended_at=None, attempt=notice.attempt + 1)
            .execution_options(synchronize_session=False)
        )
