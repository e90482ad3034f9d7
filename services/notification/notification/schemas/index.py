"""The service's own page and its vocabulary on the wire."""

from typing import Any

import marshmallow as ma
from common.fields import Moment

from notification.models import ChannelCode, MessageStatus
from notification.schemas.fields import Schema


class IndexOut(Schema):
    """What the service is."""

    ok = ma.fields.Boolean(required=True)
    service = ma.fields.String(required=True)
    channels = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "Those that have a way out"}
    )
    endpoints = ma.fields.List(ma.fields.String(), required=True)


class LookupOut(Schema):
    """A code with its name."""

    id = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)


class PriorityOut(LookupOut):
    """A priority; a greater weight is sent first."""

    weight = ma.fields.Integer(required=True)


def _listed(item: type[LookupOut]) -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.Nested(item), required=True)


class LookupsOut(Schema):
    """Every vocabulary."""

    ok = ma.fields.Boolean(required=True)
    modules = _listed(LookupOut)
    channels = _listed(LookupOut)
    statuses = _listed(LookupOut)
    priorities = _listed(PriorityOut)
    actor_types = _listed(LookupOut)


class MetricsArgs(Schema):
    """From when on."""

    since = Moment(load_default=None, metadata={"description": "Default: 30 days ago"})


class CountOut(Schema):
    """Messages of one event over one channel that stand alike."""

    event_code = ma.fields.String(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    status = ma.fields.Enum(MessageStatus, by_value=ma.fields.String, required=True)
    count = ma.fields.Integer(required=True)
    sms_segments = ma.fields.Integer(
        required=True, metadata={"description": "Of all of them; 0 where it is no SMS"}
    )
