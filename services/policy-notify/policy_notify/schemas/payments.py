"""Reports about payments, and what became of them, on the wire."""

import marshmallow as ma
from common.web.fields import Moment
from common.web.paging import PageArgs

from policy_notify.models import Delivery, PaymentEvent
from policy_notify.schemas.fields import Schema, StatusField


class PaymentArgs(PageArgs):
    """Which reports."""

    payment = ma.fields.UUID(load_default=None)
    family = ma.fields.UUID(load_default=None)
    event = ma.fields.Enum(PaymentEvent, by_value=ma.fields.String, load_default=None)
    status = StatusField()


class PaymentOut(Schema):
    """One report, with the message that it became; its words are in `message` until forgotten."""

    id = ma.fields.UUID(required=True)
    uuid = ma.fields.UUID(required=True)
    payment = ma.fields.UUID(required=True, allow_none=True)
    event = ma.fields.Enum(PaymentEvent, by_value=ma.fields.String, required=True, attribute="type")
    occurred_at = Moment(required=True)
    policies = ma.fields.List(ma.fields.UUID(), required=True)
    family = ma.fields.UUID(required=True, allow_none=True)
    attempt = ma.fields.Integer(required=True)
    status = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    delivery = ma.fields.Enum(Delivery, by_value=ma.fields.String, required=True)
    provider = ma.fields.String(required=True, allow_none=True)
    recipient = ma.fields.String(required=True, allow_none=True)
    language = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
