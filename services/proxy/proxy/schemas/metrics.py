"""Statistics on the wire."""

import marshmallow as ma
from common.web.fields import Moment, Name

from proxy.schemas.fields import Schema
from proxy.statistics.summary import Period


class MetricsArgs(Schema):
    """What to count."""

    by = ma.fields.Enum(Period, by_value=ma.fields.String, load_default=Period.HOUR)
    since = Moment(
        load_default=None,
        metadata={"example": "2026-11-01T00:00:00Z", "description": "Default: a day, by day 30"},
    )
    until = Moment(
        load_default=None,
        metadata={"example": "2026-11-08T00:00:00Z", "description": "Default: now"},
    )
    channel = Name(
        load_default=None,
        metadata={"example": "Demo patients", "description": "The channel's name"},
    )


class ChannelPeriodOut(Schema):
    """One channel in one hour or day (UTC); durations in milliseconds."""

    period_start = Moment(required=True, attribute="start")
    channel = ma.fields.String(required=True, allow_none=True)
    count = ma.fields.Integer(required=True)
    failures = ma.fields.Integer(required=True)
    completed = ma.fields.Integer(
        required=True, metadata={"description": "Answered, not all of it with 2xx"}
    )
    completed_with_errors = ma.fields.Integer(
        required=True, metadata={"description": "A secondary route failed"}
    )
    mean_ms = ma.fields.Float(required=True, allow_none=True)
    p95_ms = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "To within 5 %; all else is exact"}
    )
