"""openIMIS's list of families, by who can be notified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from insuree.models import Insuree

from kiungo.models import FamilyNotification

ALL, APPROVAL_AND_PHONE, APPROVAL, PHONE, NEITHER = range(5)


def family_filter(
    sender: Any, additional_filter: Mapping[str, Any] | None = None, **_kwargs: Any
) -> Q:
    """What `{"policyNotification": {"mode": {"value": 1}}}` asks for. Raises ValidationError."""
    asked = (additional_filter or {}).get("policyNotification") or {}
    mode = (asked.get("mode") or {}).get("value", ALL)
    if isinstance(mode, bool) or mode not in range(5):
        raise ValidationError("policyNotification.mode is not 0 to 4")
    if mode == ALL:
        return Q()
    approves = Q(_has_approved())
    has_phone = Q(_has_phone())
    return {
        APPROVAL_AND_PHONE: approves & has_phone,
        APPROVAL: approves & ~has_phone,
        PHONE: ~approves & has_phone,
        NEITHER: ~approves & ~has_phone,
    }[mode]


def _has_approved() -> Exists:
    consents = FamilyNotification.objects.filter(
        family=OuterRef("pk"), approval_of_notification=True, validity_to__isnull=True
    )
    return Exists(consents)


def _has_phone() -> Exists:
    """A current member, or the head, has a phone that is not blank."""
    theirs = Q(family=OuterRef("pk")) | Q(pk=OuterRef("head_insuree_id"))
    people = Insuree.objects.filter(theirs, validity_to__isnull=True, phone__regex=r"\S")
    return Exists(people)
