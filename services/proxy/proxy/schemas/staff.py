"""Staff on the wire. Passwords only come in."""

from typing import Any

import marshmallow as ma
from common.console.staff import StaffRole
from common.web.fields import Flag, Line, Moment, Name, Text
from marshmallow import validate

from proxy.access.passwords import why_weak
from proxy.schemas.fields import Recorded, Schema

MIN_PASSWORD_LENGTH = 12
_EMAIL = r"^$|^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"


class StaffIn(Schema):
    """A member of staff who joins, or what to change of one."""

    username = Name(required=True, max_length=150)
    email = Line(
        max_length=255,
        load_default="",
        validate=validate.Regexp(_EMAIL, error="Must be an e-mail address."),
    )
    password = Text(required=True, load_only=True, min_length=MIN_PASSWORD_LENGTH, max_length=256)
    role = ma.fields.Enum(StaffRole, by_value=ma.fields.String, load_default=StaffRole.VIEWER)
    is_active = Flag(load_default=True)

    @ma.validates_schema
    def _not_guessed_soon(self, data: dict[str, Any], **_kwargs: Any) -> None:
        password = data.get("password")
        if password is None:
            return
        reason = why_weak(password, data.get("username", ""), data.get("email", ""))
        if reason:
            raise ma.ValidationError({"password": [reason]})


class StaffOut(Recorded):
    """A member of staff."""

    username = ma.fields.String(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.Enum(StaffRole, by_value=ma.fields.String, required=True)
    is_active = ma.fields.Boolean(required=True)
    last_login_at = Moment(required=True, allow_none=True)
