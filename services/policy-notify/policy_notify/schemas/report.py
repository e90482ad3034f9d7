"""The report on the wire, in its JSON form; and what can be asked of it."""

from typing import Any

import marshmallow as ma

from policy_notify.report import FORMATS
from policy_notify.schemas.family_filter import read_filters
from policy_notify.schemas.fields import ModeField, Schema


class ReportArgs(Schema):
    """openIMIS's parameters; one of `regionUuid` and `districtUuid` is required."""

    regionUuid = ma.fields.UUID(load_default=None)  # noqa: N815 - openIMIS's names
    districtUuid = ma.fields.UUID(  # noqa: N815
        load_default=None, metadata={"example": "01900000-0000-7000-8000-000000000002"}
    )
    officerUuid = ma.fields.UUID(load_default=None)  # noqa: N815
    mode = ModeField(metadata={"description": ModeField.__doc__})
    format = ma.fields.String(load_default="json", validate=ma.validate.OneOf(list(FORMATS)))


class FamilyFilterJson(ma.fields.String):
    """The filters of openIMIS's family search, as its front end sends them; see the README."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return read_filters(super()._deserialize(value, *args, **kwargs))


class OpenimisReportArgs(ReportArgs):
    """openIMIS's report: PDF unless something else is asked for."""

    familyFilterJson = FamilyFilterJson(  # noqa: N815
        load_default=None, metadata={"example": "{}", "description": FamilyFilterJson.__doc__}
    )
    format = ma.fields.String(load_default="pdf", validate=ma.validate.OneOf(list(FORMATS)))


class HeaderOut(Schema):
    """What the report is about."""

    region = ma.fields.String(required=True)
    district = ma.fields.String(required=True)
    officer = ma.fields.String(required=True)
    mode = ma.fields.String(required=True)


class RowOut(Schema):
    """One family."""

    district = ma.fields.String(required=True)
    municipality = ma.fields.String(required=True)
    village = ma.fields.String(required=True)
    chf_id = ma.fields.String(required=True)
    given_name = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)
    phone = ma.fields.String(required=True)
    approval = ma.fields.Boolean(required=True)
    language = ma.fields.String(required=True)
    alternative_given_name = ma.fields.String(required=True)
    alternative_last_name = ma.fields.String(required=True)
    alternative_phone = ma.fields.String(required=True)


class ReportOut(Schema):
    """The report as JSON."""

    ok = ma.fields.Boolean(required=True)
    header = ma.fields.Nested(HeaderOut, required=True)
    data = ma.fields.List(ma.fields.Nested(RowOut), required=True)
    count = ma.fields.Integer(required=True)
