"""The records of the read model, as the scheme's own system sends them."""

from typing import Any

import marshmallow as ma
from common.fields import Line, Name

from policy_notify.models import LocationLevel, PolicyStage, PolicyStatus
from policy_notify.schemas.fields import Amount, MomentOrDay, Schema


def _reference(what: str) -> ma.fields.UUID:
    return ma.fields.UUID(
        load_default=None, allow_none=True, metadata={"description": f"uuid of {what}"}
    )


class LocationRecord(Schema):
    """A place: region R, district D, municipality W, village V."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=32, required=True)
    name = Name(required=True)
    level = ma.fields.Enum(LocationLevel, by_value=ma.fields.String, required=True)
    parent = _reference("the place it is part of")


class OfficerRecord(Schema):
    """An enrolment officer."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=32, required=True)
    last_name = Line(max_length=100, load_default="")
    other_names = Line(max_length=100, load_default="")


class ProductRecord(Schema):
    """An insurance product."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=32, required=True)
    name = Name(required=True)
    conversion_product = _reference("the product that its policies are renewed with")


class FamilyRecord(Schema):
    """An insured family."""

    uuid = ma.fields.UUID(required=True)
    location = _reference("the village it lives in")
    head = _reference("the insuree who is its head")
    validity_to = MomentOrDay(load_default=None, allow_none=True)


class InsureeRecord(Schema):
    """A person; `family` is empty for somebody who has left it."""

    uuid = ma.fields.UUID(required=True)
    chf_id = Name(max_length=50, required=True)
    last_name = Line(max_length=100, load_default="")
    other_names = Line(max_length=100, load_default="")
    phone = Line(
        max_length=50,
        load_default=None,
        allow_none=True,
        metadata={"description": "As the scheme has it; a blank one is none"},
    )
    family = _reference("the family that the person is a member of")
    validity_to = MomentOrDay(load_default=None, allow_none=True)

    @ma.post_load
    def _without_blanks(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**given, "phone": (given["phone"] or "").strip() or None}


class PolicyRecord(Schema):
    """A family's policy."""

    uuid = ma.fields.UUID(required=True)
    family = ma.fields.UUID(required=True)
    product = ma.fields.UUID(required=True)
    officer = _reference("the enrolment officer")
    status = ma.fields.Enum(PolicyStatus, by_value=ma.fields.String, required=True)
    stage = ma.fields.Enum(PolicyStage, by_value=ma.fields.String, required=True)
    enroll_date = ma.fields.Date(load_default=None, allow_none=True)
    start_date = ma.fields.Date(required=True)
    effective_date = ma.fields.Date(load_default=None, allow_none=True)
    expiry_date = ma.fields.Date(load_default=None, allow_none=True)
    amount_to_be_paid = Amount(load_default=None, allow_none=True)
    validity_from = MomentOrDay(load_default=None, allow_none=True)
    validity_to = MomentOrDay(load_default=None, allow_none=True)
