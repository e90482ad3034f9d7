"""The question which channel would take a call, and its answer."""

import marshmallow as ma
from common.texts import N_
from common.web.fields import Line
from marshmallow import validate

from proxy.schemas.fields import Method, Schema


class MatchIn(Schema):
    """A call that might come."""

    method = Method(load_default="GET")
    path = Line(
        required=True,
        min_length=1,
        max_length=8192,
        validate=validate.Regexp("^/", error=N_("Must start with /.")),
        metadata={"description": "As in a URL, without the query", "example": "/patients/17"},
    )


class JudgedOut(Schema):
    """One channel's answer to a call."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    path_pattern = ma.fields.String(required=True)
    matches = ma.fields.Boolean(required=True)
    why_not = ma.fields.String(required=True, allow_none=True)


class MatchOut(Schema):
    """Would this channel take the call, if not why, and which one would."""

    matches = ma.fields.Boolean(required=True)
    wins = ma.fields.Boolean(required=True)
    why_not = ma.fields.String(required=True, allow_none=True)
    winner = ma.fields.Nested(JudgedOut, required=True, allow_none=True)
    answer = ma.fields.String(
        required=True,
        metadata={"description": "What the hub would say: `forwarded`, or the rejection"},
    )
    channels = ma.fields.List(ma.fields.Nested(JudgedOut), required=True)
