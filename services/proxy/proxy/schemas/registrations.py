"""ESB registrations on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import Flag, Name, Tag

from proxy.schemas.fields import LineOrNull, Recorded, Schema, Several


class ClientsOrNull(Several):
    """Client ids and roles. Null is not none here: it is every client."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Name(), **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        return None if value is None else super().deserialize(value, *args, **kwargs)


class RegistrationIn(Schema):
    """An organization's codes to be registered, or what to change of them."""

    channel_id = ma.fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={
            "example": "01900000-0000-7000-8000-000000000001",
            "description": "Null: for all channels",
        },
    )
    organization = Name(
        required=True,
        metadata={"example": "MOH", "description": "Letter case does not matter when calls match"},
    )
    api_code = LineOrNull(max_length=255, metadata={"example": "MOH-API"})
    push_code = LineOrNull(max_length=255)
    allow = ClientsOrNull(
        load_default=list,
        metadata={
            "description": "Client ids or roles that may act for the organization; empty: none;"
            " null: every client, as registrations were before they said so",
            "example": ["clinic"],
        },
    )
    is_active = Flag(load_default=True)


class RegistrationOut(Recorded):
    """An organization's codes on the bus."""

    etag = Tag()
    channel_id = ma.fields.UUID(required=True, allow_none=True)
    organization = ma.fields.String(required=True)
    api_code = ma.fields.String(required=True)
    push_code = ma.fields.String(required=True)
    allow = ma.fields.List(
        ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "Null: every client"},
    )
    is_active = ma.fields.Boolean(required=True)
