"""Counted attempts on the wire."""

import marshmallow as ma
from common.web.fields import Moment

from policy_notify.models import NotificationType
from policy_notify.schemas.fields import Schema


class MetricsArgs(Schema):
    """From when on."""

    since = Moment(load_default=None, metadata={"description": "Default: 30 days ago"})


class CountOut(Schema):
    """Attempts of one type with one status."""

    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String, required=True)
    status = ma.fields.Integer(required=True)
    count = ma.fields.Integer(required=True)
