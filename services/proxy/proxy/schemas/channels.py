"""Channels on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import N_
from common.web.fields import Flag, Integer, JsonObject, Line, Name, Tag, Text
from marshmallow import validate

from proxy.models import USUAL_RESPONSE_RETENTION_DAYS, USUAL_RETRY_ATTEMPTS, ChannelType
from proxy.schemas.channel_parts import (
    MOST_FIELDS,
    MOST_ROUTES,
    IndexedField,
    ListenerIn,
    ListenerOut,
    MaskedField,
    MatchBody,
    PathPattern,
    Polling,
    RouteIn,
    RouteOut,
)
from proxy.schemas.fields import (
    Complete,
    LineOrNull,
    Method,
    NetworkText,
    Positive,
    Recorded,
    Schema,
    Several,
)

_MEDIA_TYPE = r"^$|^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *;.*)?$"
LONGEST_TIMEOUT_S = 3600
LONGEST_TOTAL_S = 24 * 3600
MOST_RESPONSE_RETENTION_DAYS = 365
MOST_RETENTION_DAYS = 36_500
LONGEST_RETRY_PERIOD_S = 30 * 24 * 3600
MOST_RETRIES = 100


class ChannelIn(Schema):
    """A channel to be opened, or what to change of one."""

    name = Name(required=True, metadata={"example": "Laboratory orders"})
    description = Text(max_length=2000, load_default="")
    path_pattern = PathPattern(required=True)
    methods = Several(Method(), load_default=list, metadata={"description": "Empty: any"})
    requires_request_body = Flag(load_default=False)
    request_content_type = LineOrNull(
        max_length=255,
        validate=validate.Regexp(_MEDIA_TYPE, error=N_("Must be a media type.")),
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
    timeout_s = Positive(
        most=LONGEST_TIMEOUT_S, metadata={"description": "Null: the hub's own time-out"}
    )
    total_timeout_s = Positive(
        most=LONGEST_TOTAL_S,
        metadata={
            "description": "Most seconds for a whole call, streamed answers included;"
            " null: the hub's own"
        },
    )
    async_passthrough = Flag(
        load_default=False,
        metadata={
            "description": "Leave `Prefer: respond-async` and `?async` to the mediator (FHIR bulk"
            " export, DHIS2 imports)"
        },
    )
    store_request_body = Flag(load_default=True)
    store_response_body = Flag(load_default=True)
    keep_whole_bodies = Flag(
        load_default=False,
        metadata={"description": "Keep requests to the byte, so that every call can be rerun"},
    )
    ask_reason = Flag(
        load_default=False,
        metadata={
            "description": "Whoever opens a body of its calls says why (`X-Reason`, or in the"
            " console); the audit log keeps it",
            "example": False,
        },
    )
    retention_days = Integer(
        low=1,
        high=MOST_RETENTION_DAYS,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Days that its calls are kept on record; null: as"
            " `TRANSACTION_RETENTION_DAYS` says",
            "example": 30,
        },
    )
    indexed_fields: ma.fields.Field[Any] = Complete(
        IndexedField,
        many=True,
        load_default=list,
        validate=validate.Length(max=MOST_FIELDS),
        metadata={
            "description": "Values in requests and answers that calls are found by (`about`): keyed"
            " digests of them are kept, also where bodies are not",
            "example": [
                {"name": "patient id", "kind": "json", "expression": "/identifier/*/value"}
            ],
        },
    )
    masked_fields: ma.fields.Field[Any] = Complete(
        MaskedField,
        many=True,
        load_default=list,
        validate=validate.Length(max=MOST_FIELDS),
        metadata={
            "description": "Places in requests and answers that are masked in every text that is"
            " kept of them; a body that cannot be read is not kept",
            "example": [{"kind": "json", "expression": "/patient/phone"}],
        },
    )
    response_retention_days = Integer(
        high=MOST_RESPONSE_RETENTION_DAYS,
        load_default=USUAL_RESPONSE_RETENTION_DAYS,
        metadata={
            "description": "Days in which the whole answer of an asynchronous call can be fetched;"
            " 0: it is not kept"
        },
    )
    shadow_url = LineOrNull(
        max_length=2048,
        metadata={
            "description": "Another hub that gets a copy of each call, the client's credentials"
            " with it; its answers are compared with ours. Empty: none",
            "example": "https://old-hub.example.org",
        },
    )
    shadow_unsafe = Flag(
        load_default=False,
        metadata={"description": "Copy POST, PUT, PATCH and DELETE as well: they act twice"},
    )
    is_public = Flag(
        load_default=False,
        metadata={"description": "Calls without credentials are let in, as nobody's"},
    )
    allowed_addresses = Several(
        NetworkText(),
        load_default=list,
        metadata={"description": "Networks that calls come from; empty: any", "example": []},
    )
    always_async = Flag(
        load_default=False,
        metadata={"description": "Every call is accepted, and made by a worker"},
    )
    match_content_types = Several(
        Name(validate=validate.Regexp(_MEDIA_TYPE, error=N_("Must be a media type."))),
        load_default=list,
        metadata={
            "description": "Takes only requests of these media types; empty: any",
            "example": ["application/json"],
        },
    )
    match_body = Complete(lambda: MatchBody(), load_default=None, allow_none=True)
    rewrite_path = Line(
        max_length=2048,
        load_default="",
        metadata={
            "description": "The path that the mediator is asked for, whatever was called",
            "example": "/fhir",
        },
    )
    rewrite_expression = Line(
        max_length=1024,
        load_default="",
        metadata={
            "description": "`s/from/to/`, and with `g` every match: OpenHIM's `pathTransform`",
            "example": "s/SHR\\/fhir/fhir/g",
        },
    )
    rewrite_urls = Flag(
        load_default=False,
        metadata={"description": "The mediator's addresses in its answers become the hub's"},
    )
    tell_client = Flag(
        load_default=True,
        metadata={"description": "`X-OpenHIM-ClientID` and `X-Client-Name` for the mediator"},
    )
    forward_authorization = Flag(
        load_default=False,
        metadata={"description": "The caller's `Authorization` goes on to the mediator"},
    )
    routes: ma.fields.Field[Any] = Complete(
        RouteIn, many=True, load_default=list, validate=validate.Length(max=MOST_ROUTES)
    )
    listener = Complete(
        ListenerIn,
        load_default=None,
        allow_none=True,
        metadata={"description": "Messages come in on a port, and calls by no path"},
    )
    polling = Complete(
        Polling,
        load_default=None,
        allow_none=True,
        metadata={"description": "The hub makes the calls itself, and takes none"},
    )
    acts_for = LineOrNull(
        max_length=255,
        metadata={"description": "The client id that messages and polls are for; empty: nobody's"},
    )
    retry_period_s = Integer(
        low=1,
        high=LONGEST_RETRY_PERIOD_S,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "A call that failed is made again by itself after so many seconds, where"
            " it was surely not sent or its method is idempotent; null: never",
            "example": 300,
        },
    )
    retry_max_attempts = Integer(
        low=1,
        high=MOST_RETRIES,
        load_default=USUAL_RETRY_ATTEMPTS,
        metadata={"description": "How often it is made again at the most"},
    )
    mediator_id = ma.fields.UUID(required=True)

    @ma.post_load
    def _empty_schema_is_none(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """A schema without a rule would only demand that bodies are JSON; nobody means that."""
        if given.get("request_body_schema") == {}:
            given["request_body_schema"] = None
        return given


class ChannelOut(Recorded):
    """A channel."""

    etag = Tag()
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
    total_timeout_s = ma.fields.Float(required=True, allow_none=True)
    async_passthrough = ma.fields.Boolean(required=True)
    store_request_body = ma.fields.Boolean(required=True)
    store_response_body = ma.fields.Boolean(required=True)
    keep_whole_bodies = ma.fields.Boolean(required=True)
    ask_reason = ma.fields.Boolean(required=True)
    retention_days = ma.fields.Integer(required=True, allow_none=True)
    indexed_fields = ma.fields.List(ma.fields.Nested(IndexedField), required=True)
    masked_fields = ma.fields.List(ma.fields.Nested(MaskedField), required=True)
    response_retention_days = ma.fields.Integer(required=True)
    shadow_url = ma.fields.String(required=True)
    shadow_unsafe = ma.fields.Boolean(required=True)
    is_public = ma.fields.Boolean(required=True)
    allowed_addresses = ma.fields.List(ma.fields.String(), required=True)
    always_async = ma.fields.Boolean(required=True)
    match_content_types = ma.fields.List(ma.fields.String(), required=True)
    match_body = ma.fields.Nested(MatchBody, required=True, allow_none=True)
    rewrite_path = ma.fields.String(required=True)
    rewrite_expression = ma.fields.String(required=True)
    rewrite_urls = ma.fields.Boolean(required=True)
    tell_client = ma.fields.Boolean(required=True)
    forward_authorization = ma.fields.Boolean(required=True)
    routes = ma.fields.List(ma.fields.Nested(RouteOut), required=True)
    listener = ma.fields.Nested(ListenerOut, required=True, allow_none=True)
    polling = ma.fields.Nested(Polling, required=True, allow_none=True)
    acts_for = ma.fields.String(required=True)
    retry_period_s = ma.fields.Integer(required=True, allow_none=True)
    retry_max_attempts = ma.fields.Integer(required=True)
    mediator_id = ma.fields.UUID(required=True)
    mediator_urn = ma.fields.String(required=True, attribute="mediator.urn")
