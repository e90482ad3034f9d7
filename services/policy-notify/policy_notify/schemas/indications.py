"""Attempts on the wire."""

import marshmallow as ma
from common.web.fields import Moment
from common.web.paging import PageArgs

from policy_notify.models import Delivery, NotificationType
from policy_notify.schemas.fields import Schema, StatusField


class IndicationArgs(PageArgs):
    """Which attempts."""

    policy = ma.fields.UUID(load_default=None)
    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, load_default=None)
    status = StatusField()


class IndicationOut(Schema):
    """One attempt."""

    id = ma.fields.UUID(required=True)
    policy = ma.fields.UUID(required=True)
    family = ma.fields.UUID(required=True)
    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, required=True)
    event_date = ma.fields.Date(required=True)
    attempt = ma.fields.Integer(required=True)
    status = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    delivery = ma.fields.Enum(Delivery, by_value=ma.fields.String, required=True)
    run_id = ma.fields.UUID(required=True)
    provider = ma.fields.String(required=True, allow_none=True)
    recipient = ma.fields.String(required=True, allow_none=True)
    language = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
