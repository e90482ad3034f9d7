"""Channels on the wire, and the question which of them would take a call."""

import marshmallow as ma
from common.fields import Flag, Integer, JsonObject, Line, Name, Text
from marshmallow import validate

from proxy.models import ChannelType
from proxy.schemas.fields import Method, Recorded, Schema, Several

_MEDIA_TYPE = r"^$|^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *;.*)?$"
LONGEST_TIMEOUT_S = 3600


class ChannelIn(Schema):
    """A channel to be opened, or what to change of one."""

    name = Name(required=True)
    description = Text(max_length=2000, load_default="")
    path_pattern = Name(
        required=True,
        max_length=1024,
        metadata={
            "description": "`/exact`, `/prefix/*`, or a regular expression that starts with `^`",
            "pattern": r"^[/^][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
            "example": "/patients/*",
        },
    )
    methods = Several(Method(), load_default=list, metadata={"description": "Empty: any"})
    requires_request_body = Flag(load_default=False)
    request_content_type = Line(
        max_length=255,
        load_default="",
        validate=validate.Regexp(_MEDIA_TYPE, error="Must be a media type."),
        metadata={"description": "Media type; empty: any", "example": "application/json"},
    )
    request_body_example = Text(max_length=100_000, load_default="")
    request_body_schema = JsonObject(
        load_default=None,
        allow_none=True,
        max_length=200_000,
        metadata={"description": "JSON Schema 2020-12; references stay within it"},
    )
    channel_type = ma.fields.Enum(
        ChannelType, by_value=ma.fields.String, load_default=ChannelType.HTTP
    )
    priority = Integer(low=1, load_default=1, metadata={"description": "1 is tried first"})
    is_active = Flag(load_default=True)
    allow = Several(
        Name(), load_default=list, metadata={"description": "Client ids or roles; empty: any"}
    )
    timeout_s = ma.fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, LONGEST_TIMEOUT_S, min_inclusive=False),
        metadata={"description": "Null: the hub's own time-out"},
    )
    store_request_body = Flag(load_default=True)
    store_response_body = Flag(load_default=True)
    keep_whole_bodies = Flag(
        load_default=False,
        metadata={"description": "Keep requests to the byte, so that every call can be rerun"},
    )
    mediator_id = ma.fields.UUID(required=True)


class ChannelOut(Recorded):
    """A channel."""

    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    path_pattern = ma.fields.String(required=True)
    methods = ma.fields.List(ma.fields.String(), required=True)
    requires_request_body = ma.fields.Boolean(required=True)
    request_content_type = ma.fields.String(required=True)
    request_body_example = ma.fields.String(required=True)
    request_body_schema = ma.fields.Dict(required=True, allow_none=True)
    channel_type = ma.fields.Enum(ChannelType, by_value=ma.fields.String, required=True)
    priority = ma.fields.Integer(required=True)
    is_active = ma.fields.Boolean(required=True)
    allow = ma.fields.List(ma.fields.String(), required=True)
    timeout_s = ma.fields.Float(required=True, allow_none=True)
    store_request_body = ma.fields.Boolean(required=True)
    store_response_body = ma.fields.Boolean(required=True)
    keep_whole_bodies = ma.fields.Boolean(required=True)
    mediator_id = ma.fields.UUID(required=True)
    mediator_urn = ma.fields.String(required=True, attribute="mediator.urn")


class MatchIn(Schema):
    """A call that might come."""

    method = Method(load_default="GET")
    path = Line(
        required=True,
        min_length=1,
        max_length=8192,
        validate=validate.Regexp("^/", error="Must start with /."),
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
        metadata={"description": "What the hub would say: `forwarded`, or the refusal"},
    )
    channels = ma.fields.List(ma.fields.Nested(JudgedOut), required=True)
