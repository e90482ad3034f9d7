"""Callback routes and late answers on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import N_, _
from common.web.fields import Moment, Name, Tag, Text
from marshmallow import validate

from esb_relay.models import DeliveryStatus, TargetKind
from esb_relay.schemas.fields import AnyJson, Schema
from esb_relay.wire.terms import Format

_ROUTE = r"^[a-z0-9][a-z0-9._-]*$"
_TARGETS = "http: an address; proxy: a path of a channel; queue: its name"


class RouteIn(Schema):
    """Where calls of the bus go, or what to change of it."""

    name = Name(
        required=True,
        max_length=100,
        validate=validate.Regexp(_ROUTE, error=N_("Must be lower-case letters, digits, . _ -")),
        metadata={
            "example": "births",
            "description": "The bus posts to `/api/esb/inbound/<name>`",
            "pattern": _ROUTE,
        },
    )
    description = Text(max_length=1000, load_default="")
    target_kind = ma.fields.Enum(
        TargetKind, by_value=ma.fields.String, required=True, metadata={"example": "http"}
    )
    target = Name(
        required=True,
        max_length=2048,
        metadata={"example": "http://registry.example.org/births", "description": _TARGETS},
    )
    organization = Name(load_default=None, allow_none=True)
    is_async = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Answer at once, post the target's answer to the engine later"},
    )
    is_repeatable = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "The target runs a repeated `Idempotency-Key` once"},
    )
    is_active = ma.fields.Boolean(load_default=True)


class RouteOut(Schema):
    """Where calls of the bus go."""

    id = ma.fields.UUID(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    etag = Tag()
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    target_kind = ma.fields.Enum(TargetKind, by_value=ma.fields.String, required=True)
    target = ma.fields.String(required=True)
    organization = ma.fields.String(required=True, allow_none=True)
    is_async = ma.fields.Boolean(required=True)
    is_repeatable = ma.fields.Boolean(required=True)
    is_active = ma.fields.Boolean(required=True)


class LateAnswerIn(Schema):
    """A late answer to a call of the bus."""

    request_id = Name(required=True, metadata={"example": "demo-1"})
    success = ma.fields.Boolean(load_default=True)
    message = Text(
        max_length=2000, load_default="", metadata={"description": "Why not, for a failure"}
    )
    body = AnyJson(
        metadata={
            "example": {"nin": "19900101-14121-00001-23"},
            "description": "Becomes `esbBody`; without it there is none",
        }
    )
    format = ma.fields.Enum(
        Format,
        by_value=ma.fields.String,
        load_default=None,
        allow_none=True,
        metadata={"description": "As the call was written, unless given"},
    )

    @ma.validates_schema
    def _failure_says_why(self, given: dict[str, Any], **_kwargs: Any) -> None:
        if not given.get("success", True) and not given.get("message"):
            raise ma.ValidationError(_("A failure says why."), "message")


class LateAnswerOut(Schema):
    """How a late answer stands."""

    id = ma.fields.UUID(required=True)
    request_id = ma.fields.String(required=True)
    status = ma.fields.Enum(DeliveryStatus, by_value=ma.fields.String, required=True)
    created_at = Moment(required=True)
