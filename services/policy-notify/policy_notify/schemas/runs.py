"""Runs, attempts and their numbers on the wire."""

import marshmallow as ma
from common.fields import Moment
from common.paging import PageArgs

from policy_notify.models import Delivery, NotificationType, RunStatus
from policy_notify.schemas.fields import Schema


class RunIn(Schema):
    """A run by hand."""

    date = ma.fields.Date(
        load_default=None, metadata={"description": "As if it were this day; default: today"}
    )


class RunOut(Schema):
    """A run; `summary` is there once it has ended."""

    id = ma.fields.UUID(required=True)
    slot = Moment(required=True, allow_none=True, metadata={"description": "The scheduled hour"})
    run_date = ma.fields.Date(required=True)
    requested_by = ma.fields.String(required=True)
    status = ma.fields.Enum(RunStatus, by_value=ma.fields.String, required=True)
    created_at = Moment(required=True)
    started_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)
    continuations = ma.fields.Integer(required=True)
    summary = ma.fields.Dict(required=True, allow_none=True)


class IndicationArgs(PageArgs):
    """Which attempts."""

    policy = ma.fields.UUID(load_default=None)
    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, load_default=None)
    status = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(0, 5),
        metadata={
            "description": "0 undefined, 1 sent, 2 no permission, 3 obsolete, 4 error, 5 not valid"
        },
    )


class IndicationOut(Schema):
    """One attempt."""

    id = ma.fields.UUID(required=True)
    policy = ma.fields.UUID(required=True)
    family = ma.fields.UUID(required=True)
    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, required=True)
    event_date = ma.fields.Date(required=True)
    attempt = ma.fields.Integer(required=True)
    status = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    delivery = ma.fields.Enum(Delivery, by_value=ma.fields.String, required=True)
    run_id = ma.fields.UUID(required=True)
    provider = ma.fields.String(required=True, allow_none=True)
    recipient = ma.fields.String(required=True, allow_none=True)
    language = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class MetricsArgs(Schema):
    """From when on."""

    since = Moment(load_default=None, metadata={"description": "Default: 30 days ago"})


class CountOut(Schema):
    """Attempts of one type with one status."""

    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, required=True)
    status = ma.fields.Integer(required=True)
    count = ma.fields.Integer(required=True)
