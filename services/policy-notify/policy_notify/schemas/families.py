"""Families on the wire."""

import json
from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.paging import PageArgs

from policy_notify.read_model.families import FamilyFilter, Mode
from policy_notify.schemas.consents import ConsentOut
from policy_notify.schemas.fields import ModeField, Schema


class AdditionalFilter(ma.fields.String):
    """openIMIS's filter as JSON text; gives the mode, or None when it names none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise ma.ValidationError(_("Not JSON.")) from exc
        for name in ("policyNotification", "mode", "value"):
            if not isinstance(given, dict):
                raise ma.ValidationError(_("Not an object."))
            given = given.get(name)
            if given is None:
                return None
        if isinstance(given, bool) or given not in list(Mode):
            raise ma.ValidationError(_("The mode is not a number from 0 to 4."))
        return Mode(given)


class FamilyArgs(PageArgs):
    """Which families."""

    mode = ModeField(metadata={"description": ModeField.__doc__})
    additional_filter = AdditionalFilter(
        load_default=None,
        metadata={
            "description": '`{"policyNotification":{"mode":{"value":1}}}`; wins over `mode`',
            "example": '{"policyNotification":{"mode":{"value":0}}}',
            "pattern": r'^\{("policyNotification":\{"mode":\{"value":[0-4]\}\})?\}$',
        },
    )
    region = ma.fields.UUID(load_default=None)
    district = ma.fields.UUID(
        load_default=None, metadata={"example": "01900000-0000-7000-8000-000000000002"}
    )
    officer = ma.fields.UUID(load_default=None)

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        page = {name: given.pop(name) for name in ("limit", "cursor")}
        filtered = given.pop("additional_filter")
        mode = Mode(given.pop("mode"))
        return {
            **page,
            "wanted": FamilyFilter(mode=mode if filtered is None else filtered, **given),
        }


class PersonOut(Schema):
    """The head of a family."""

    uuid = ma.fields.UUID(required=True)
    chf_id = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)
    other_names = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)


class FamilyOut(Schema):
    """A family with its head and its consent."""

    uuid = ma.fields.UUID(required=True)
    location = ma.fields.UUID(required=True, allow_none=True)
    head = ma.fields.Nested(PersonOut, required=True, allow_none=True)
    consent = ma.fields.Nested(ConsentOut, required=True, allow_none=True)
