"""The service-level report on the wire."""

import marshmallow as ma
from common.web.fields import Moment, Name
from marshmallow import validate

from proxy.schemas.fields import Schema
from proxy.statistics.service_levels import USUAL_TARGET_MS, By, Order

_LONGEST_TARGET_MS = 1_000_000


class ReportArgs(Schema):
    """Which calls, and what they are measured by."""

    by = ma.fields.Enum(By, by_value=ma.fields.String, load_default=By.CHANNEL_CLIENT)
    since = Moment(
        load_default=None,
        metadata={
            "example": "2026-11-01T00:00:00Z",
            "description": "Default: midnight UTC, 7 days before `until`",
        },
    )
    until = Moment(
        load_default=None,
        metadata={"example": "2026-11-08T00:00:00Z", "description": "Default: now"},
    )
    channel = Name(
        load_default=None,
        metadata={"example": "Demo patients", "description": "The channel's name"},
    )
    client = Name(load_default=None, metadata={"example": "demo", "description": "The client's id"})
    order = ma.fields.Enum(Order, by_value=ma.fields.String, load_default=Order.CALLS)
    target_ms = ma.fields.Float(
        load_default=USUAL_TARGET_MS,
        validate=validate.Range(0, _LONGEST_TARGET_MS, min_inclusive=False),
        metadata={"description": "The time within which a call should have ended"},
    )


class ServiceLevelOut(Schema):
    """How a client was served on a channel; times in milliseconds, shares from 0 to 1."""

    channel = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null: not told apart; empty: no channel"},
    )
    client = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null: not told apart; empty: without credentials"},
    )
    mediator = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Its endpoint. Null: not told apart; empty: none was reached"},
    )
    status = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Null: not told apart"}
    )
    apdex = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "0 to 1, by the target time; failed calls count as frustrated"},
    )
    count = ma.fields.Integer(required=True)
    failures = ma.fields.Integer(required=True)
    failed = ma.fields.Float(required=True, metadata={"description": "The share of failures"})
    completed_with_errors = ma.fields.Integer(required=True)
    within = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "The share of ended calls that took less than the target"},
    )
    mean_ms = ma.fields.Float(required=True, allow_none=True)
    p50_ms = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "To within 5 %"}
    )
    p95_ms = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "To within 5 %"}
    )
    match_ms = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Mean time until the call was admitted"},
    )
    store_ms = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "Mean time for the record"}
    )
    upstream_ms = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "Mean time at the mediator"}
    )


class ErrorArgs(Schema):
    """Which calls."""

    since = Moment(
        load_default=None,
        metadata={
            "example": "2026-11-01T00:00:00Z",
            "description": "Default: a day before `until`",
        },
    )
    until = Moment(
        load_default=None,
        metadata={"example": "2026-11-08T00:00:00Z", "description": "Default: now"},
    )


class ErrorKindOut(Schema):
    """Calls of one channel that failed in one way."""

    channel = ma.fields.String(required=True, metadata={"description": "Empty: no channel"})
    kind = ma.fields.String(
        required=True,
        metadata={
            "description": "The error without digits, ids and quoted values",
            "example": "No answer within # s",
        },
    )
    count = ma.fields.Integer(required=True)
    example = ma.fields.UUID(required=True, metadata={"description": "The newest of the calls"})
    first_hour = Moment(required=True)
    last_hour = Moment(required=True)
    is_new = ma.fields.Boolean(
        required=True, metadata={"description": "No hour before `since` has it"}
    )
