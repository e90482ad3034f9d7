"""Calls on the wire: what can be asked for, and what is on record."""

from typing import Any

import marshmallow as ma
from common.fields import Integer, Moment, Name, Text
from common.paging import PageArgs, page_schema
from marshmallow import validate

from proxy.models import TransactionStatus
from proxy.schemas.fields import Schema
from proxy.transactions import TransactionFilter

MAX_RERUNS = 1000


class Filter(Schema):
    """Which calls; what is not given does not count."""

    status = ma.fields.Enum(TransactionStatus, by_value=ma.fields.String)
    channel = Name(metadata={"description": "The channel's name"})
    client = Name(metadata={"description": "The client's `client_id`"})
    method = Name(max_length=32)
    path = Text(max_length=2048, metadata={"description": "How the path begins"})
    response_status = Name(
        max_length=3,
        validate=validate.Regexp("^[1-5]([0-9]{2}|xx)$", error="Must be like 404 or 5xx."),
        metadata={"description": "A status (`404`) or a class of them (`5xx`)"},
    )
    since = Moment(metadata={"description": "Started at this time or later"})
    until = Moment(metadata={"description": "Started before this time"})
    q = Text(max_length=255, metadata={"description": "A text in the URL or the error"})


class FilterArgs(PageArgs, Filter):  # type: ignore[misc] # both say the same in their Meta
    """The query of the list."""

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        page = {name: given.pop(name) for name in ("limit", "cursor")}
        return {**page, "wanted": TransactionFilter(**given)}


class RerunIn(Filter):
    """Which calls to repeat; at least one of the conditions is needed."""

    limit = Integer(
        low=1,
        high=MAX_RERUNS,
        load_default=MAX_RERUNS,
        metadata={"description": "The newest so many of them"},
    )

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        limit = given.pop("limit")
        wanted = TransactionFilter(**given)
        if wanted.is_empty():
            raise ma.ValidationError("Name at least one condition: this would repeat every call.")
        return {"limit": limit, "wanted": wanted}


class TransactionSummaryOut(Schema):
    """A call without its headers and bodies."""

    correlation_id = ma.fields.UUID(required=True)
    parent_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The call that this one repeats"}
    )
    channel = ma.fields.String(required=True, allow_none=True, attribute="channel_name")
    client = ma.fields.String(required=True, attribute="client_name")
    client_address = ma.fields.String(required=True)
    organization = ma.fields.String(required=True, allow_none=True)
    status = ma.fields.Enum(TransactionStatus, by_value=ma.fields.String, required=True)
    request_method = ma.fields.String(required=True)
    request_url = ma.fields.String(required=True)
    response_status_code = ma.fields.Integer(required=True, allow_none=True)
    error_message = ma.fields.String(required=True, allow_none=True)
    started_at = Moment(required=True)
    completed_at = Moment(required=True, allow_none=True)
    duration_ms = ma.fields.Float(required=True, allow_none=True)


TransactionPage = page_schema(
    TransactionSummaryOut,
    searched_back_to=Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Where the search stopped before the page was full"},
    ),
)


class TransactionOut(TransactionSummaryOut):
    """A call with everything that is on record."""

    request_headers = ma.fields.Dict(required=True)
    request_body = ma.fields.String(required=True)
    request_body_whole = ma.fields.Boolean(
        required=True, metadata={"description": "`request_body` is the body to the byte"}
    )
    response_headers = ma.fields.Dict(required=True, allow_none=True)
    response_body = ma.fields.String(required=True, allow_none=True)
    esb_exchange_id = ma.fields.String(required=True, allow_none=True)
    match_ms = ma.fields.Float(required=True, allow_none=True)
    upstream_ms = ma.fields.Float(required=True, allow_none=True)
    store_ms = ma.fields.Float(required=True, allow_none=True)


class RerunOut(Schema):
    """A new call that repeats another; a worker makes it."""

    correlation_id = ma.fields.UUID(required=True)
    parent_id = ma.fields.UUID(required=True)


class RefusedRerunOut(Schema):
    """A call that cannot be repeated."""

    correlation_id = ma.fields.UUID(required=True)
    reason = ma.fields.String(required=True)


class RerunsOut(Schema):
    """What came of repeating many calls."""

    ok = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True, metadata={"description": "New calls"})
    data = ma.fields.List(ma.fields.Nested(RerunOut), required=True)
    refused = ma.fields.List(ma.fields.Nested(RefusedRerunOut), required=True)
    more = ma.fields.Boolean(
        required=True, metadata={"description": "Further calls meet the conditions"}
    )
