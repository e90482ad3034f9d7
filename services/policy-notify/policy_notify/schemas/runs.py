"""Runs on the wire."""

import marshmallow as ma
from common.web.fields import Moment

from policy_notify.models import RunStatus
from policy_notify.schemas.fields import Schema


class RunIn(Schema):
    """A run by hand."""

    date = ma.fields.Date(
        load_default=None,
        metadata={"example": "2026-01-01", "description": "As if it were this day; default: today"},
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
