"""Alert rules, alerts, contact groups, maintenance windows and checks on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import Flag, Integer, Line, Moment, Name
from common.web.paging import PageArgs
from marshmallow import validate

from proxy.alerts.messages import EMAIL, KINDS, SMS
from proxy.alerts.reports import DAYS
from proxy.models import About, CheckState, Measure
from proxy.schemas.fields import Complete, Recorded, Schema, Several

LONGEST_S = 86_400
#: What a rule says that says no more than its measure.
USUAL: dict[str, Any] = {"window_s": 300, "least_calls": 5, "percentile": 95}


class ContactIn(Schema):
    """Who is told: a number, an e-mail address, or a recipient that has a webhook."""

    kind = ma.fields.String(
        required=True, validate=validate.OneOf(KINDS), metadata={"example": EMAIL}
    )
    address = Name(required=True, max_length=128, metadata={"example": "duty@example.org"})

    @ma.post_load
    def _check(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        address = given["address"]
        if given["kind"] == EMAIL and "@" not in address[1:-1]:
            raise ma.ValidationError(_("Must be an e-mail address."), "address")
        if given["kind"] == SMS and not address.lstrip("+").replace(" ", "").isdecimal():
            raise ma.ValidationError(_("Must be a phone number."), "address")
        return given


class GroupIn(Schema):
    """People and systems that are told together."""

    name = Name(required=True, metadata={"example": "Night duty"})
    contacts: ma.fields.Field[Any] = Complete(
        ContactIn,
        many=True,
        required=True,
        validate=validate.Length(max=50),
        metadata={"example": [{"kind": EMAIL, "address": "duty@example.org"}]},
    )
    reports = Several(
        ma.fields.String(validate=validate.OneOf(list(DAYS))),
        load_default=list,
        metadata={"description": "Which reports its e-mail addresses get"},
    )


class ContactOut(Schema):
    """Who is told."""

    kind = ma.fields.String(required=True)
    address = ma.fields.String(required=True)


class GroupOut(Recorded):
    """A contact group."""

    name = ma.fields.String(required=True)
    contacts = ma.fields.List(ma.fields.Nested(ContactOut), required=True)
    reports = ma.fields.List(ma.fields.String(), required=True)


class RuleIn(Schema):
    """When an alert is raised, and who is told."""

    name = Name(required=True, metadata={"example": "Laboratory fails"})
    measure = ma.fields.Enum(
        Measure,
        by_value=ma.fields.String,
        required=True,
        metadata={"example": Measure.FAILURE_SHARE},
    )
    about = ma.fields.Enum(About, by_value=ma.fields.String, load_default=About.WHOLE)
    subject = Line(
        max_length=255,
        load_default="",
        metadata={"description": "Name of a channel, client, mediator or part; empty: each"},
    )
    threshold = ma.fields.Float(
        load_default=1.0,
        validate=validate.Range(0, 1e12),
        metadata={"description": "Percent, milliseconds, seconds, days or a number; from it on"},
    )
    percentile = Integer(low=1, high=99, load_default=USUAL["percentile"])
    window_s = Integer(low=60, high=LONGEST_S, load_default=USUAL["window_s"])
    least_calls = Integer(low=1, high=1_000_000, load_default=USUAL["least_calls"])
    quiet_s = Integer(
        high=7 * LONGEST_S,
        load_default=0,
        metadata={"description": "Told again after so long; 0: never"},
    )
    group_id = ma.fields.UUID(load_default=None, allow_none=True)
    escalate_after_s = Integer(high=7 * LONGEST_S, load_default=0)
    escalation_group_id = ma.fields.UUID(load_default=None, allow_none=True)
    is_active = Flag(load_default=True)


class RuleOut(Recorded):
    """An alert rule."""

    name = ma.fields.String(required=True)
    measure = ma.fields.Enum(Measure, by_value=ma.fields.String, required=True)
    about = ma.fields.Enum(About, by_value=ma.fields.String, required=True)
    subject = ma.fields.String(required=True)
    threshold = ma.fields.Float(required=True)
    percentile = ma.fields.Integer(required=True)
    window_s = ma.fields.Integer(required=True)
    least_calls = ma.fields.Integer(required=True)
    quiet_s = ma.fields.Integer(required=True)
    group_id = ma.fields.UUID(required=True, allow_none=True)
    escalate_after_s = ma.fields.Integer(required=True)
    escalation_group_id = ma.fields.UUID(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)


class PreviewOut(Schema):
    """What a rule would have done over the last day, and for whom it would raise alerts now."""

    raised_at = ma.fields.List(Moment(), required=True)
    open_for = ma.fields.List(ma.fields.String(), required=True)


class AlertFilter(Schema):
    """Which alerts."""

    state = ma.fields.String(validate=validate.OneOf(["open", "ended"]))


class AlertArgs(PageArgs, AlertFilter):  # type: ignore[misc] # the same in their Meta
    """The query of the list."""


class AlertOut(Recorded):
    """A rule's condition that held for a subject."""

    rule_id = ma.fields.UUID(required=True)
    rule_name = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    value = ma.fields.Float(required=True, allow_none=True)
    detail = ma.fields.String(required=True)
    ended_at = Moment(required=True, allow_none=True)
    acknowledged_at = Moment(required=True, allow_none=True)
    acknowledged_by = ma.fields.String(required=True, allow_none=True)
    notified_at = Moment(required=True, allow_none=True)
    escalated_at = Moment(required=True, allow_none=True)


class WindowIn(Schema):
    """A time in which nothing is raised about somebody."""

    about = ma.fields.Enum(About, by_value=ma.fields.String, load_default=About.WHOLE)
    subject = Line(max_length=255, load_default="")
    begins_at = Moment(required=True, metadata={"example": "2030-01-05T20:00:00Z"})
    ends_at = Moment(required=True, metadata={"example": "2030-01-06T02:00:00Z"})
    reason = Name(required=True, metadata={"example": "The laboratory moves"})


class WindowOut(Recorded):
    """A maintenance window."""

    about = ma.fields.Enum(About, by_value=ma.fields.String, required=True)
    subject = ma.fields.String(required=True)
    begins_at = Moment(required=True)
    ends_at = Moment(required=True)
    reason = ma.fields.String(required=True)


class CheckOut(Schema):
    """How a part of the installation was found."""

    measure = ma.fields.Enum(Measure, by_value=ma.fields.String, required=True)
    subject = ma.fields.String(required=True)
    state = ma.fields.Enum(CheckState, by_value=ma.fields.String, required=True)
    value = ma.fields.Float(required=True, allow_none=True)
    detail = ma.fields.String(required=True)
    checked_at = Moment(required=True)


class TroubleOut(Schema):
    """Something that is not well."""

    measure = ma.fields.Enum(Measure, by_value=ma.fields.String, required=True)
    subject = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class ChecksOut(Schema):
    """How all parts are."""

    is_well = ma.fields.Boolean(required=True)
    troubles = ma.fields.List(ma.fields.Nested(TroubleOut), required=True)
    checks = ma.fields.List(ma.fields.Nested(CheckOut), required=True)
