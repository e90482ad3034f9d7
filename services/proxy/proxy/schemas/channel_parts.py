"""What a channel is made of besides its own members: path, rules, places, routes, ports."""

from typing import Any

import marshmallow as ma
from common.web.fields import Flag, Integer, Line, Name, Text
from marshmallow import validate

from proxy.models import Framing
from proxy.registry import body_paths
from proxy.registry.content_match import KINDS
from proxy.registry.patterns import with_slash
from proxy.schemas.fields import Complete, Schema
from proxy.schemas.mediators import MOST_PEM_CHARS, CredentialsIn, CredentialsOut

MOST_ROUTES = 10
MOST_FIELDS = 20
MOST_PORT = 65_535


class PathPattern(Name):
    """A path pattern; one that is no expression starts with a slash."""

    def __init__(self, **kwargs: Any) -> None:
        about = {
            "description": "`/exact`, `/prefix/*` and `/pre*` (begins with), or a regular"
            " expression: it starts with `^`, or holds `/.*` or ends in `$` and is looked for"
            " anywhere; a missing first slash is put before all else",
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$",
            "example": "/patients/*",
        }
        super().__init__(max_length=1024, metadata=about, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return with_slash(super()._deserialize(value, *args, **kwargs))


class MatchBody(Schema):
    """What a request's body must hold."""

    kind = ma.fields.String(required=True, validate=validate.OneOf(KINDS))
    expression = Line(
        required=True,
        min_length=1,
        max_length=1024,
        metadata={
            "description": "A regular expression, a JSON pointer or `names.with.dots`, or an XPath"
        },
    )
    value = Line(
        load_default="",
        max_length=1024,
        metadata={"description": "What stands there; not for `regex`"},
    )


class MaskedField(Schema):
    """A place in bodies, of JSON, XML or HL7 version 2."""

    kind = ma.fields.String(required=True, validate=validate.OneOf(body_paths.KINDS))
    expression = Line(
        required=True,
        min_length=1,
        max_length=1024,
        metadata={
            "description": "A JSON pointer or `names.with.dots`, `*` for every item; an XPath;"
            " a field of HL7 like `PID-3.1`",
            "example": "/identifier/*/value",
        },
    )


class IndexedField(MaskedField):
    """A field of bodies that calls are found by."""

    name = Line(
        required=True,
        min_length=1,
        max_length=64,
        validate=validate.Regexp(r"^[^:]*$", error="Must have no colon."),
        metadata={"description": "What people call it", "example": "patient id"},
    )


class RouteIn(Schema):
    """Another system that gets the channel's calls, too."""

    name = Name(required=True, max_length=100)
    url = Line(
        max_length=2048,
        load_default="",
        metadata={"description": "Where it listens; or `mediator_id`", "example": "http://a:8080"},
    )
    mediator_id = ma.fields.UUID(load_default=None, allow_none=True)
    is_active = Flag(load_default=True)
    wait = Flag(
        load_default=False, metadata={"description": "The caller's answer waits for this route"}
    )
    status_check = Line(
        max_length=100,
        load_default="",
        metadata={"description": "Statuses that are no errors, like `2xx, 404`; empty: below 500"},
    )
    rewrite_path = Line(max_length=2048, load_default="")
    rewrite_expression = Line(max_length=1024, load_default="")
    forward_authorization = Flag(load_default=False)
    credentials = Complete(CredentialsIn, load_default=None, allow_none=True)


class RouteOut(Schema):
    """A secondary route; its secret is masked."""

    name = ma.fields.String(required=True)
    url = ma.fields.String(required=True)
    mediator_id = ma.fields.UUID(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)
    wait = ma.fields.Boolean(required=True)
    status_check = ma.fields.String(required=True)
    rewrite_path = ma.fields.String(required=True)
    rewrite_expression = ma.fields.String(required=True)
    forward_authorization = ma.fields.Boolean(required=True)
    credentials = ma.fields.Nested(CredentialsOut, required=True, allow_none=True)


class ListenerIn(Schema):
    """A port where a channel's messages come in."""

    port = Integer(
        low=1,
        high=MOST_PORT,
        required=True,
        metadata={"description": "One of the gateway's `LISTENER_PORTS`", "example": 2575},
    )
    framing = ma.fields.Enum(
        Framing,
        by_value=ma.fields.String,
        load_default=Framing.MLLP,
        metadata={
            "description": "`mllp`: the mediator gets what stands in a frame, its answer is framed;"
            " `mllp-as-it-is`: it gets the frame, too; `plain`: all until the sender ends writing"
        },
    )
    tls = Flag(
        load_default=False,
        metadata={"description": "With the gateway's `LISTENER_TLS_CERT`"},
    )
    client_authorities = Text(
        max_length=MOST_PEM_CHARS,
        load_default="",
        metadata={
            "description": "Certificates in PEM: senders must show one that these vouch for;"
            " without `acts_for` it says which client they are"
        },
    )

    @ma.post_load
    def _as_stored(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**given, "framing": given["framing"].value}


class ListenerOut(Schema):
    """A port where a channel's messages come in."""

    port = ma.fields.Integer(required=True)
    framing = ma.fields.String(required=True, validate=validate.OneOf([*Framing]))
    tls = ma.fields.Boolean(required=True)
    client_authorities = ma.fields.String(required=True)


class Polling(Schema):
    """When the hub makes a channel's calls itself."""

    schedule = Line(
        required=True,
        min_length=9,
        max_length=200,
        metadata={
            "description": "Cron: minute, hour, day, month, day of week; with six fields the first"
            " are the seconds",
            "example": "*/5 * * * *",
        },
    )
    time_zone = Line(
        load_default="UTC",
        min_length=1,
        max_length=64,
        metadata={"description": "A name of the IANA's", "example": "Africa/Dar_es_Salaam"},
    )
