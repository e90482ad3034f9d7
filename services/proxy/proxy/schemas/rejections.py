"""Refused requests on the wire."""

import marshmallow as ma
from common.web.fields import Moment, Name, Text
from common.web.paging import PageArgs, page_schema

from proxy.schemas.fields import SEARCHED_BACK_TO, Schema


class RejectionFilter(Schema):
    """Which rejections; what is not given does not count."""

    client = Name(
        load_default=None,
        metadata={"example": "demo", "description": "The client id as it was claimed"},
    )
    path = Text(
        max_length=2048,
        load_default=None,
        metadata={"example": "/demo", "description": "How the path begins"},
    )


class RejectionArgs(PageArgs, RejectionFilter):  # type: ignore[misc] # the same in their Meta
    """The query of the list."""


class NearestOut(Schema):
    """A channel that was close, and why it did not take the request."""

    channel = ma.fields.String(required=True)
    path_pattern = ma.fields.String(required=True)
    why_not = ma.fields.String(required=True)


class RejectionOut(Schema):
    """A request that was refused before it became a call."""

    correlation_id = ma.fields.UUID(required=True)
    rejected_at = Moment(required=True)
    client_claimed = ma.fields.String(required=True, allow_none=True)
    client_address = ma.fields.String(required=True)
    request_method = ma.fields.String(required=True)
    request_path = ma.fields.String(required=True)
    status_code = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    nearest = ma.fields.List(ma.fields.Nested(NearestOut), required=True, allow_none=True)


RejectionPage = page_schema(RejectionOut, searched_back_to=SEARCHED_BACK_TO)
