"""What the console's forms send, where it differs from the API."""

from typing import Any

import marshmallow as ma
from common.texts import N_
from common.web.fields import Name, Text

from esb_relay.models import TargetKind
from esb_relay.schemas.callbacks import RouteIn
from esb_relay.schemas.fields import Schema
from esb_relay.schemas.relay import RequestTerms
from esb_relay.wire.terms import Format

#: As much as a form can hold.
_MAX_CHARS = 1024 * 1024


class NameOrBlank(Name):
    """A name; a field that was left blank is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_default=None, allow_none=True, **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        is_blank = isinstance(value, str) and not value.strip()
        return super().deserialize(None if is_blank else value, *args, **kwargs)


class Pasted(Text):
    """A text of several lines. Browsers end each with CR and LF, whatever was pasted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=_MAX_CHARS, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs).replace("\r\n", "\n")


class RouteFilter(Schema):
    """Which callback routes."""

    target_kind = ma.fields.Enum(TargetKind, by_value=ma.fields.String)
    organization = Name()
    is_active = ma.fields.Boolean()


class RouteForm(RouteIn):
    """A callback route, all but whether it is active: that has a button of its own."""

    organization = NameOrBlank()

    class Meta:
        exclude = ("is_active",)


class SignForm(RequestTerms):
    """What the workbench signs."""

    user_id = NameOrBlank()
    format = ma.fields.Enum(Format, by_value=ma.fields.String, load_default=Format.JSON)
    body = Pasted(load_default="")


class VerifyForm(Schema):
    """What the workbench verifies, and with whose key."""

    key = Name(load_default="esb")
    envelope = Pasted(required=True, validate=ma.validate.Length(1, error=N_("Paste an envelope.")))
