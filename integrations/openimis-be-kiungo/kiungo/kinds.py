"""The tables that are forwarded, in an order in which each comes after what it points at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.models import Officer
from django.db import models
from insuree.models import Family, Insuree
from location.models import Location
from policy.models import Policy
from product.models import Product

from kiungo.models import FamilyNotification

#: openIMIS's codes of a policy's status.
IDLE, EXPIRED = 1, 8
_VALIDITY = {"validity_from": "validity_from", "validity_to": "validity_to"}


@dataclass(frozen=True)
class Kind:
    """A table, and where each member of Kiungo's record is found from it."""

    name: str
    model: type[models.Model]
    members: Mapping[str, str]

    @property
    def key_column(self) -> str:
        """The column of the row's key."""
        return str(self.model._meta.pk.column)

    @property
    def has_history(self) -> bool:
        """Superseded rows stay in the table, marked by `LegacyID`."""
        return any(field.name == "legacy_id" for field in self.model._meta.fields)

    def current(self) -> models.QuerySet[Any]:
        """The rows that are no history."""
        rows = self.model.objects.all()
        return rows.filter(legacy_id__isnull=True) if self.has_history else rows

    def records(self, keys: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows of these keys as Kiungo's records; what is not there any more is left out."""
        names = (*self.members, *_VALIDITY)
        paths = (*self.members.values(), *_VALIDITY.values())
        for key, *values in self.current().filter(pk__in=keys).values_list("pk", *paths):
            record = dict(zip(names, map(plain, values)))  # noqa: B905 - Python 3.9
            yield key, _never_begun(record) if self.name == "policies" else record


def _never_begun(policy: dict[str, Any]) -> dict[str, Any]:
    """openIMIS ends every policy whose time is over, paid or not; one that was not stays idle."""
    if policy["status"] == EXPIRED and policy["effective_date"] is None:
        return {**policy, "status": IDLE}
    return policy


def plain(value: Any) -> Any:
    """A value as JSON has it. openIMIS's own days and times print in a scheme's way."""
    if isinstance(value, datetime):
        return datetime.isoformat(value)
    if isinstance(value, date):
        return date.isoformat(value)
    return str(value) if isinstance(value, Decimal) else value


def _named(**members: str) -> dict[str, str]:
    return {"uuid": "uuid", **members}


_NAMES = {"last_name": "last_name", "other_names": "other_names"}
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "locations",
            Location,
            _named(code="code", name="name", type="type", parent="parent__uuid"),
        ),
        Kind("officers", Officer, _named(code="code", **_NAMES)),
        Kind(
            "products",
            Product,
            _named(code="code", name="name", conversion_product="conversion_product__uuid"),
        ),
        Kind("families", Family, _named(location="location__uuid", head="head_insuree__uuid")),
        Kind(
            "insurees",
            Insuree,
            _named(chf_id="chf_id", phone="phone", family="family__uuid", **_NAMES),
        ),
        Kind(
            "policies",
            Policy,
            _named(
                family="family__uuid",
                product="product__uuid",
                officer="officer__uuid",
                status="status",
                stage="stage",
                enroll_date="enroll_date",
                start_date="start_date",
                effective_date="effective_date",
                expiry_date="expiry_date",
                amount_to_be_paid="value",
            ),
        ),
        Kind(
            "consents",
            FamilyNotification,
            {
                "family": "family__uuid",
                "approvalOfNotification": "approval_of_notification",
                "languageOfNotification": "language_of_notification",
            },
        ),
    )
}
