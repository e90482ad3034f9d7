"""Whether a report about a payment becomes a message, and its words. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from common.texts import N_

from policy_notify.models import (
    IndicationStatus,
    PaymentEvent,
    PaymentNotice,
    PaymentText,
    PolicyStatus,
)
from policy_notify.providers import Message
from policy_notify.runs.candidates import DATE_FORMAT, shown_amount
from policy_notify.runs.eligibility import DENIED, NO_PHONE, OBSOLETE, Rejection, unknown_value
from policy_notify.texts.catalogue import PAYMENT_KEYS, Texts

#: Of policies of one payment, so many different values are named.
MOST_NAMED = 3
NOT_ENABLED = N_("Messages about this event of payments are not enabled")
UNKNOWN_POLICY = "A policy of the payment is not known"


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
