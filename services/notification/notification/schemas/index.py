"""The service's own page and its vocabulary on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import Flag, Integer, Moment, Name, Tag
from common.web.paging import page_schema

from notification.models import ChannelCode, MessageStatus
from notification.schemas.fields import Code, Schema
from notification.schemas.transports import ClosedTransportOut

#: Of a priority: what the outbox sorts by is a small number.
MAX_WEIGHT = 32_767


class IndexOut(Schema):
    """What the service is."""

    ok = ma.fields.Boolean(required=True)
    service = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"description": "`ok`: it answers"})
    channels = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "Those that have a transport"}
    )
    troubled_transports = ma.fields.List(
        ma.fields.Nested(ClosedTransportOut),
        required=True,
        metadata={"description": "Providers that take nothing for a while"},
    )
    endpoints = ma.fields.List(ma.fields.String(), required=True)


class LookupOut(Schema):
    """A code with its name."""

    id = ma.fields.Integer(required=True)
    etag = Tag()
    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)


class PriorityOut(LookupOut):
    """A priority; a greater weight is sent first."""

    weight = ma.fields.Integer(required=True)


class OneLookupOut(LookupOut):
    """A code of any vocabulary."""

    weight = ma.fields.Integer(metadata={"description": "Of a priority"})


class LookupIn(Schema):
    """A code to be known, or what to change of one."""

    code = Code(required=True, metadata={"example": "PHARMACY"})
    name = Name(
        max_length=255,
        metadata={"example": "Pharmacy", "description": "For people; the code, if left out"},
    )
    is_active = Flag()
    weight = Integer(
        low=-MAX_WEIGHT,
        high=MAX_WEIGHT,
        metadata={"description": "Of a priority, and of nothing else"},
    )


def _listed(item: type[LookupOut]) -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.Nested(item), required=True)


class LookupsOut(Schema):
    """Every vocabulary."""

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


class ReceiptWordOut(Schema):
    """A word of a provider's receipts that is in none of the lists: it moves no message."""

    provider = ma.fields.String(required=True)
    word = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True)
    last_at = Moment(required=True)


CountPage = page_schema(
    CountOut,
    troubled_transports=ma.fields.List(ma.fields.Nested(ClosedTransportOut), required=True),
    unknown_receipt_words=ma.fields.List(ma.fields.Nested(ReceiptWordOut), required=True),
)
