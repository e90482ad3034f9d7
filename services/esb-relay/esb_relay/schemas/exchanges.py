"""The exchange log on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import Moment, Name
from common.web.paging import PageArgs

from esb_relay.engine.exchanges import ExchangeFilter
from esb_relay.models import Direction, ExchangeMode, ExchangeStatus
from esb_relay.schemas.fields import Schema
from esb_relay.wire.terms import Format, Spelling


class Filter(Schema):
    """Which exchanges; what is not given does not count."""

    direction = ma.fields.Enum(Direction, by_value=ma.fields.String)
    mode = ma.fields.Enum(ExchangeMode, by_value=ma.fields.String)
    status = ma.fields.Enum(ExchangeStatus, by_value=ma.fields.String)
    code = Name(metadata={"example": "DEMO-API"})
    organization = Name(metadata={"example": "DEMO"})
    request_id = Name(metadata={"example": "demo-1"})
    correlation_id = Name(
        max_length=64, metadata={"example": "01900000-0000-7000-8000-000000000001"}
    )
    since = Moment(metadata={"description": "Started at this time or later"})
    until = Moment(metadata={"description": "Started before this time"})


class ExchangeArgs(PageArgs, Filter):  # type: ignore[misc] # both say the same in their Meta
    """The query of the list."""

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        page = {name: given.pop(name) for name in ("limit", "cursor")}
        return {**page, "wanted": ExchangeFilter(**given)}


class ExchangeSummaryOut(Schema):
    """An exchange without its bodies. Sizes and digests are of whole envelopes."""

    id = ma.fields.UUID(required=True)
    direction = ma.fields.Enum(Direction, by_value=ma.fields.String, required=True)
    mode = ma.fields.Enum(ExchangeMode, by_value=ma.fields.String, required=True)
    code = ma.fields.String(required=True)
    organization = ma.fields.String(required=True, allow_none=True)
    caller = ma.fields.String(required=True)
    correlation_id = ma.fields.String(required=True)
    request_id = ma.fields.String(required=True, allow_none=True)
    format = ma.fields.Enum(Format, by_value=ma.fields.String, required=True)
    status = ma.fields.Enum(ExchangeStatus, by_value=ma.fields.String, required=True)
    http_status = ma.fields.Integer(required=True, allow_none=True)
    attempts = ma.fields.Integer(
        required=True, metadata={"description": "Requests sent, or deliveries of a call received"}
    )
    verified_by = ma.fields.Enum(
        Spelling, by_value=ma.fields.String, required=True, allow_none=True
    )
    kid = ma.fields.String(required=True, allow_none=True)
    error = ma.fields.String(required=True, allow_none=True)
    started_at = Moment(required=True)
    completed_at = Moment(required=True, allow_none=True)
    engine_ms = ma.fields.Float(required=True, allow_none=True)
    duration_ms = ma.fields.Float(required=True, allow_none=True)
    request_bytes = ma.fields.Integer(required=True)
    request_digest = ma.fields.String(required=True, metadata={"description": "SHA-256, in hex"})
    answer_bytes = ma.fields.Integer(required=True, allow_none=True)
    answer_digest = ma.fields.String(required=True, allow_none=True)


class ExchangeOut(ExchangeSummaryOut):
    """An exchange with its envelopes, where the installation keeps them."""

    request_body = ma.fields.String(required=True, allow_none=True)
    answer_body = ma.fields.String(required=True, allow_none=True)
