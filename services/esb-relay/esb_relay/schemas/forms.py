"""What the console's forms send, where it differs from the API."""

import marshmallow as ma
from common.console.form_fields import BlankIsDefault, Typed
from common.texts import N_
from common.web.fields import Name

from esb_relay.models import TargetKind
from esb_relay.schemas.callbacks import RouteIn
from esb_relay.schemas.fields import Schema
from esb_relay.schemas.relay import RequestTerms
from esb_relay.wire.terms import Format

#: As much as a form can hold.
_MAX_CHARS = 1024 * 1024


class NameOrBlank(BlankIsDefault, Name):
    """A name; a field that was left blank is none."""

    def __init__(self) -> None:
        super().__init__(load_default=None, allow_none=True)


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
    body = Typed(max_length=_MAX_CHARS, load_default="")


class VerifyForm(Schema):
    """What the workbench verifies, and with whose key."""

    key = Name(load_default="esb")
    envelope = Typed(
        max_length=_MAX_CHARS,
        required=True,
        validate=ma.validate.Length(1, error=N_("Paste an envelope.")),
    )
