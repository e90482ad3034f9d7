"""ESB registrations on the wire."""

import marshmallow as ma
from common.fields import Flag, Line, Name

from proxy.schemas.fields import Recorded, Schema


class RegistrationIn(Schema):
    """An organization's codes to be registered, or what to change of them."""

    channel_id = ma.fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Null: for all channels"}
    )
    organization = Name(
        required=True, metadata={"description": "Letter case does not matter when calls match"}
    )
    api_code = Line(max_length=255, load_default="")
    push_code = Line(max_length=255, load_default="")
    is_active = Flag(load_default=True)


class RegistrationOut(Recorded):
    """An organization's codes on the bus."""

    channel_id = ma.fields.UUID(required=True, allow_none=True)
    organization = ma.fields.String(required=True)
    api_code = ma.fields.String(required=True)
    push_code = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)
