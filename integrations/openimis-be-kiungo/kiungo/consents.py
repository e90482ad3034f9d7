"""A family's consent: created, changed and ended as openIMIS's front end asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.models import Language
from django.core.exceptions import ValidationError
from django.db import transaction
from insuree.models import Family

from kiungo.models import FamilyNotification, default_language

APPROVAL, LANGUAGE = "approvalOfNotification", "languageOfNotification"
_SNAKE = {"approval_of_notification": APPROVAL, "language_of_notification": LANGUAGE}


def contribution(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a mutation says of the consent; empty when it says nothing. Raises ValidationError.

    openIMIS's front end sends `contribution.PolicyNotification`, newer ones
    `mutation_extensions.policy_notification`; either may be JSON text.
    """
    given = _object(data.get("contribution")).get("PolicyNotification")
    if given is None:
        given = _object(data.get("mutation_extensions")).get("policy_notification")
    said = {_SNAKE.get(key, key): value for key, value in _object(given).items()}
    for key, value in said.items():
        _check(key, value)
    return {key: value for key, value in said.items() if value is not None}


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValidationError("PolicyNotification is not an object") from None
    if value is not None and not isinstance(value, Mapping):
        raise ValidationError("PolicyNotification is not an object")
    return value or {}


def _check(key: str, value: Any) -> None:
    """Raises ValidationError. Null says the same as nothing."""
    if key not in (APPROVAL, LANGUAGE):
        raise ValidationError(f"PolicyNotification knows no {key[:64]}")
    if value is None:
        return
    if key == APPROVAL and not isinstance(value, bool):
        raise ValidationError(f"{APPROVAL} is not true or false")
    if key == LANGUAGE and not Language.objects.filter(code=value).exists():
        raise ValidationError(f"{LANGUAGE} is none of openIMIS's languages")


@transaction.atomic
def change(family: Family, said: Mapping[str, Any]) -> FamilyNotification:
    """Record what a family says; what it does not say stays, or takes its default at first."""
    rows = FamilyNotification.objects.select_for_update()
    consent = rows.filter(family=family).first()
    if consent is None or consent.validity_to is not None:
        consent = consent or FamilyNotification(family=family)
        consent.approval_of_notification = False
        consent.language_of_notification = default_language()
        consent.validity_to = None
    consent.approval_of_notification = said.get(APPROVAL, consent.approval_of_notification)
    consent.language_of_notification = said.get(LANGUAGE, consent.language_of_notification)
    consent.validity_from = datetime.now()  # noqa: DTZ005 - openIMIS keeps the server's own time
    consent.save()
    return consent


@transaction.atomic
def withdraw(uuids: Iterable[str]) -> int:
    """Back to the defaults; with a family that has ended the consent ends, too.

    Unknown families are ignored. Returns how many consents there were.
    """
    now = datetime.now()  # noqa: DTZ005
    rows = FamilyNotification.objects.select_for_update().select_related("family")
    found = list(rows.filter(family__uuid__in=list(uuids)))
    for consent in found:
        if consent.family.validity_to is None:
            consent.approval_of_notification = False
            consent.language_of_notification = default_language()
            consent.validity_from = now
        else:
            consent.validity_to = now
        consent.save()
    return len(found)
