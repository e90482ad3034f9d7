"""Transports on the wire."""

import marshmallow as ma
from common.web.fields import Moment

from notification.models import ChannelCode
from notification.schemas.fields import Schema


class ClosedTransportOut(Schema):
    """A way that is closed, or by which nothing was taken since it was."""

    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    provider = ma.fields.String(required=True)
    closed_until = Moment(required=True, allow_none=True)
    closed_since = Moment(required=True, allow_none=True)
    closings = ma.fields.Integer(
        required=True, metadata={"description": "In a row, without a message that was taken"}
    )
    reason = ma.fields.String(required=True, allow_none=True)


class ClosedTransportsOut(Schema):
    """The ways that are in trouble."""

    ok = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True)
    data = ma.fields.List(ma.fields.Nested(ClosedTransportOut), required=True)
