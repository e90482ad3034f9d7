"""A service's own e-mail on the wire."""

import marshmallow as ma
from common.web.fields import Line, Text
from marshmallow import validate

from notification.models.catalogue import MAIL_ADDRESS_CHARS
from notification.schemas.fields import Schema

OUTCOMES = ("sent", "not sent", "unknown")


class DirectMailIn(Schema):
    """One e-mail to one address."""

    to = Line(
        required=True,
        min_length=3,
        max_length=MAIL_ADDRESS_CHARS,
        metadata={"example": "asha.mushi@example.org"},
    )
    subject = Line(
        required=True, min_length=1, max_length=200, metadata={"example": "Your account"}
    )
    body = Text(
        required=True,
        min_length=1,
        max_length=10_000,
        metadata={"example": "Your account is ready."},
    )


class DirectMailOut(Schema):
    """What is known of it; it is not tried again."""

    ok = ma.fields.Boolean(required=True)
    outcome = ma.fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    reason = ma.fields.String(
        required=True, metadata={"description": "Why it was not sent, or is not known to be"}
    )
