"""openIMIS's three mutations of families also carry the family's consent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from insuree.models import Family

from kiungo.consents import change, contribution, withdraw

logger = logging.getLogger(__name__)


def validate(sender: Any, data: Mapping[str, Any], **kwargs: Any) -> list[dict[str, str]]:
    """Before a mutation: why its consent cannot be recorded; openIMIS then does nothing."""
    if kwargs.get("mutation_class") not in ("CreateFamilyMutation", "UpdateFamilyMutation"):
        return []
    try:
        contribution(data)
    except ValidationError as exc:
        return [{"message": "; ".join(exc.messages)}]
    return []


def act(
    sender: Any, data: Mapping[str, Any], error_messages: Any = None, **kwargs: Any
) -> list[Any]:
    """After a mutation that succeeded: record what the family says."""
    doing = _ACTS.get(str(kwargs.get("mutation_class")))
    if doing is not None and not error_messages:
        doing(data)
    return []


def _created(data: Mapping[str, Any]) -> None:
    head = data.get("head_insuree") or {}
    families = Family.objects.filter(validity_to__isnull=True)
    if data.get("uuid"):
        family = families.filter(uuid=data["uuid"]).first()
    else:
        theirs = families.filter(head_insuree__chf_id=head.get("chf_id"))
        family = theirs.filter(head_insuree__validity_to__isnull=True).order_by("-id").first()
    if family is None:
        logger.warning("kiungo: the family of a CreateFamilyMutation is not found")
    else:
        change(family, contribution(data))


def _updated(data: Mapping[str, Any]) -> None:
    said = contribution(data)
    family = Family.objects.filter(uuid=data.get("uuid"), validity_to__isnull=True).first()
    if said and family is not None:
        change(family, said)


def _deleted(data: Mapping[str, Any]) -> None:
    withdraw(data.get("uuids") or [])


_ACTS = {
    "CreateFamilyMutation": _created,
    "UpdateFamilyMutation": _updated,
    "DeleteFamiliesMutation": _deleted,
}
