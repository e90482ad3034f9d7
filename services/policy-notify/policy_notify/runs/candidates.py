"""A policy about which a message is due, with all that the message needs."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal

from policy_notify.models import NotificationType
from policy_notify.runs.eligibility import Facts

DATE_FORMAT = "%d/%m/%Y"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of a search. The names are those of the query's columns.

    `chf_id`, `last_name`, `other_names` are the head's; `recipient` is the head's phone, else the
    first member's that has one.
    """

    type: NotificationType
    policy: uuid.UUID
    family: uuid.UUID
    start_date: date
    effective_date: date | None
    expiry_date: date | None
    validity_from: datetime | None
    amount_to_be_paid: str | None
    product_code: str
    product_name: str
    chf_id: str | None
    last_name: str | None
    other_names: str | None
    recipient: str | None
    approval: bool | None
    language: str | None
    sent_at: datetime | None
    attempts: int

    @property
    def event_date(self) -> date:
        """The policy's date that the message is about."""
        by_type = {
            NotificationType.BEFORE_EXPIRY: self.expiry_date,
            NotificationType.EXPIRATION: self.expiry_date,
            NotificationType.AFTER_EXPIRY: self.expiry_date,
        }
        return by_type.get(self.type, self.effective_date) or self.start_date

    def facts(self, zone: tzinfo) -> Facts:
        """What eligibility is decided by; moments count as days in the scheme's zone."""
        if self.validity_from is not None:
            happened_on = self.validity_from.astimezone(zone).date()
        else:
            happened_on = self.effective_date or self.start_date
        return Facts(
            type=self.type,
            approved=bool(self.approval),
            already_sent=self.sent_at is not None,
            happened_on=happened_on,
            effective_date=self.effective_date,
        )

    def variables(self) -> dict[str, str]:
        """What a text may name; an unknown value is empty."""
        return {
            "InsuranceID": self.chf_id or "",
            "Name": f"{self.other_names or ''} {self.last_name or ''}".strip(),
            "EffectiveDate": _shown(self.effective_date),
            "ExpiryDate": _shown(self.expiry_date),
            "ProductCode": self.product_code,
            "ProductName": self.product_name,
            "AmountToBePaid": shown_amount(self.amount_to_be_paid),
        }


def _shown(day: date | None) -> str:
    return day.strftime(DATE_FORMAT) if day else ""


def shown_amount(amount: str | None) -> str:
    """`12000.00` as `12,000`, `12000.50` as `12,000.50`."""
    return f"{Decimal(amount):,.2f}".removesuffix(".00") if amount else ""
