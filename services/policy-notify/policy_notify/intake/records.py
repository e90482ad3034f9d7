"""The records of the read model, as the scheme's own system sends them.

openIMIS's codes are read beside our words: `type` of a place, status 1 to 16, stage N and R.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import marshmallow as ma
import msgspec
from common.clock import utc_now
from common.phones import plain_phone, read_phones
from common.texts import _
from common.web.examples import EXAMPLE_ID
from common.web.fields import Flag, Line, Name

from policy_notify.intake.fields import Amount, Coded, Day, MomentOrDay
from policy_notify.intake.reading import current_reading
from policy_notify.models import LocationLevel, PolicyStage, PolicyStatus
from policy_notify.models.indications import SETTLED

#: openIMIS's numbers, also as texts.
STATUS_CODES: dict[Any, PolicyStatus] = {
    1: PolicyStatus.IDLE,
    2: PolicyStatus.ACTIVE,
    4: PolicyStatus.SUSPENDED,
    8: PolicyStatus.EXPIRED,
    16: PolicyStatus.READY,
}
STATUS_CODES |= {str(code): status for code, status in STATUS_CODES.items()}
STAGE_CODES = {"N": PolicyStage.NEW, "R": PolicyStage.RENEWED, "": PolicyStage.NEW}


def _reference(what: str, **example: str | None) -> ma.fields.UUID:
    metadata = {"description": f"uuid of {what}", **example}
    return ma.fields.UUID(load_default=None, allow_none=True, metadata=metadata)


def first_number(phone: str | None, region: str) -> str | None:
    """The first telephone number in a field, in E.164."""
    plain = plain_phone(phone, region) if phone else None
    if plain is not None:
        return plain
    numbers = read_phones(phone, region).numbers
    return numbers[0] if numbers else None


class Record(ma.Schema):
    """Members that are not declared are rejected, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class Dated(Record):
    """Since when, and until when, this is how it is."""

    validity_from = MomentOrDay(load_default=None, allow_none=True)
    validity_to = MomentOrDay(load_default=None, allow_none=True)


class _Named(Dated):
    """A person's names; none is an empty one."""

    last_name = Line(
        max_length=100, load_default="", allow_none=True, metadata={"example": "Mushi"}
    )
    other_names = Line(
        max_length=100, load_default="", allow_none=True, metadata={"example": "Asha"}
    )

    @ma.post_load
    def _without_nulls(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**given, **{name: given[name] or "" for name in ("last_name", "other_names")}}


class LocationRecord(Dated):
    """A place: region R, district D, municipality W, village V; openIMIS calls the level `type`."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=50, required=True, metadata={"example": "R17"})
    name = Name(required=True, metadata={"example": "Dodoma"})
    level = ma.fields.Enum(
        LocationLevel, by_value=ma.fields.String, required=True, metadata={"example": "R"}
    )
    parent = _reference("the place it is part of")

    @ma.pre_load
    def _type_is_level(self, given: Any, **_kwargs: Any) -> Any:
        if not isinstance(given, Mapping) or "level" in given or "type" not in given:
            return given
        return {"level": given["type"], **{k: v for k, v in given.items() if k != "type"}}


class OfficerRecord(_Named):
    """An enrolment officer."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=50, required=True, metadata={"example": "E17"})


class ProductRecord(Dated):
    """An insurance product."""

    uuid = ma.fields.UUID(required=True)
    code = Name(max_length=32, required=True, metadata={"example": "BASIC"})
    name = Name(required=True, metadata={"example": "Basic cover"})
    conversion_product = _reference("the product that its policies are renewed with")


class FamilyRecord(Dated):
    """An insured family."""

    uuid = ma.fields.UUID(required=True)
    location = _reference("the village it lives in", example=str(EXAMPLE_ID))
    head = _reference("the insuree who is its head", example=str(EXAMPLE_ID))


class InsureeRecord(_Named):
    """A person; `family` is empty for somebody who has left it."""

    uuid = ma.fields.UUID(required=True)
    chf_id = Line(max_length=50, required=True, allow_none=True, metadata={"example": "070707070"})
    phone = Line(
        max_length=50,
        load_default=None,
        allow_none=True,
        metadata={
            "example": "0712345678",
            "description": "As the scheme has it; messages go to the first number in it",
        },
    )
    family = _reference("the family that the person is a member of", example=str(EXAMPLE_ID))

    @ma.post_load
    def _with_number(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        phone = (given["phone"] or "").strip() or None
        number = first_number(phone, current_reading().region)
        chf_id = (given["chf_id"] or "").strip()
        return {**given, "chf_id": chf_id, "phone": phone, "number": number}


class PolicyRecord(Dated):
    """A family's policy; a stage of none is a new one."""

    uuid = ma.fields.UUID(required=True)
    family = ma.fields.UUID(required=True)
    product = ma.fields.UUID(required=True)
    officer = _reference("the enrolment officer", example=str(EXAMPLE_ID))
    status = Coded(PolicyStatus, STATUS_CODES, required=True, metadata={"example": "active"})
    stage = Coded(
        PolicyStage, STAGE_CODES, required=True, allow_none=True, metadata={"example": "new"}
    )
    enroll_date = Day(load_default=None, allow_none=True)
    start_date = Day(required=True, metadata={"example": "2026-01-01"})
    effective_date = Day(load_default=None, allow_none=True)
    expiry_date = Day(load_default=None, allow_none=True, metadata={"example": "2026-12-31"})
    amount_to_be_paid = Amount(load_default=None, allow_none=True)

    @ma.post_load
    def _with_stage(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**given, "stage": given["stage"] or PolicyStage.NEW}


class _PlainConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent that holds from now on."""

    family: UUID
    approval: bool = msgspec.field(name="approvalOfNotification")
    language: str | None = msgspec.field(name="languageOfNotification", default=None)
    validity_from: None = None
    validity_to: None = None


class ConsentRecord(Dated):
    """A family's consent; without `validity_from` it holds from now on."""

    family = ma.fields.UUID(required=True)
    approval = Flag(required=True, data_key="approvalOfNotification")
    language = Name(
        max_length=16, load_default=None, allow_none=True, data_key="languageOfNotification"
    )

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Consents come by the million, and most are plain: those are read at once."""
        languages = current_reading().languages
        try:
            plain = msgspec.convert(data, _PlainConsent)
        except msgspec.ValidationError:
            return super().load(data, **kwargs)
        if plain.language not in (None, *languages):
            return super().load(data, **kwargs)
        return {
            "family": plain.family,
            "approval": plain.approval,
            "language": plain.language or languages[0],
            "validity_from": utc_now(),
            "validity_to": None,
        }

    @ma.post_load
    def _complete(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        languages = current_reading().languages
        language = given["language"] or languages[0]
        if language not in languages:
            reason = _("Not one of %(languages)s.", languages=", ".join(languages))
            raise ma.ValidationError({"languageOfNotification": [reason]})
        return {**given, "language": language, "validity_from": given["validity_from"] or utc_now()}


class SentAt(MomentOrDay):
    """When it was sent. openIMIS's 0001-01-01 says: decided, and not sent."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and value.startswith("0001-01-01"):
            return SETTLED
        return super()._deserialize(value, *args, **kwargs)

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str | None:
        if value == SETTLED:
            return "0001-01-01T00:00:00Z"
        return super()._serialize(value, *args, **kwargs)


def _sent_at() -> SentAt:
    return SentAt(load_default=None, allow_none=True)


class IndicationRecord(Record):
    """When another system sent which message about a policy; ours counts where both have a time."""

    policy = ma.fields.UUID(required=True)
    activation_of_policy = _sent_at()
    starting_of_policy = _sent_at()
    need_for_renewal = _sent_at()
    expiration_of_policy = _sent_at()
    reminder_after_expiration = _sent_at()
    renewal_of_policy = _sent_at()
