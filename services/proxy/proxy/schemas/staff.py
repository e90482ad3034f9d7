"""Staff on the wire. Passwords only come in."""

from typing import Any

import marshmallow as ma
from common.console.staff import StaffRole
from common.texts import N_
from common.web.fields import Flag, Line, Moment, Name, Tag, Text
from marshmallow import validate

from proxy.access.passwords import why_weak
from proxy.schemas.fields import Recorded, Schema

MIN_PASSWORD_LENGTH = 12
_EMAIL = r"^$|^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"


class StaffIn(Schema):
    """A member of staff who joins, or what to change of one."""

    username = Name(required=True, max_length=150, metadata={"example": "asha.mushi"})
    email = Line(
        max_length=255,
        load_default="",
        validate=validate.Regexp(_EMAIL, error=N_("Must be an e-mail address.")),
        metadata={"example": "asha.mushi@example.org"},
    )
    password = Text(
        required=True,
        load_only=True,
        min_length=MIN_PASSWORD_LENGTH,
        max_length=256,
        metadata={"example": "seven green bicycles"},
    )
    role = Name(
        max_length=64,
        load_default=StaffRole.VIEWER.value,
        metadata={"description": "A built-in role, or the name of one that was made here"},
    )
    is_active = Flag(load_default=True)

    @ma.validates_schema
    def _not_guessed_soon(self, data: dict[str, Any], **_kwargs: Any) -> None:
        _check(data.get("password"), data.get("username", ""), data.get("email", ""))


class SessionOut(Schema):
    """A session of the console."""

    id = ma.fields.UUID(required=True)
    proof = ma.fields.String(
        required=True,
        metadata={"description": "How its holder signed in: password, code, passkey or openid"},
    )
    address = ma.fields.String(required=True)
    browser = ma.fields.String(required=True)
    began_at = Moment(required=True)
    seen_at = Moment(required=True)


class SessionsOut(Schema):
    """A member's sessions."""

    ok = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True)
    data = ma.fields.List(ma.fields.Nested(SessionOut), required=True)


class NewPassword(Schema):
    """A password that a member of staff chooses for themselves; `about` is known of them."""

    current = Text(load_default="", load_only=True, max_length=256)
    password = Text(required=True, load_only=True, min_length=MIN_PASSWORD_LENGTH, max_length=256)

    def __init__(self, *about: str) -> None:
        super().__init__()
        self._about = about

    @ma.validates_schema
    def _not_guessed_soon(self, data: dict[str, Any], **_kwargs: Any) -> None:
        _check(data.get("password"), *self._about)


class PasskeyName(Schema):
    """What a member of staff calls a passkey of theirs."""

    name = Name(required=True, max_length=100)


def _check(password: str | None, *about: str) -> None:
    reason = why_weak(password, *about) if password is not None else None
    if reason:
        raise ma.ValidationError({"password": [reason]})


class StaffOut(Recorded):
    """A member of staff."""

    etag = Tag()
    username = ma.fields.String(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.String(attribute="role_name", required=True)
    is_active = ma.fields.Boolean(required=True)
    last_login_at = Moment(required=True, allow_none=True)
