"""Differences between our answers and another hub's on the wire."""

import marshmallow as ma
from common.web.fields import Moment, Name, Text
from common.web.paging import PageArgs, page_schema

from proxy.models import Difference
from proxy.schemas.fields import SEARCHED_BACK_TO, Schema


class DifferenceFilter(Schema):
    """Which differences; what is not given does not count."""

    channel = Name(metadata={"example": "Demo patients", "description": "The channel's name"})
    client = Name(metadata={"example": "demo", "description": "The client's `client_id`"})
    difference = ma.fields.Enum(
        Difference, by_value=ma.fields.String, metadata={"description": "What differs first"}
    )
    path = Text(
        max_length=2048, metadata={"example": "/demo", "description": "How the path begins"}
    )
    since = Moment(metadata={"description": "Compared at this time or later"})
    until = Moment(metadata={"description": "Compared before this time"})


class DifferenceArgs(PageArgs, DifferenceFilter):  # type: ignore[misc] # the same in their Meta
    """The query of the list."""


class ShadowDifferenceOut(Schema):
    """A call whose copy was answered otherwise by another hub: what differs, never the values."""

    correlation_id = ma.fields.UUID(required=True)
    compared_at = Moment(required=True)
    channel = ma.fields.String(required=True, attribute="channel_name")
    client = ma.fields.String(required=True, attribute="client_name")
    request_method = ma.fields.String(required=True)
    request_url = ma.fields.String(required=True)
    difference = ma.fields.Enum(
        Difference,
        by_value=ma.fields.String,
        required=True,
        metadata={"description": "The first of: no answer, status, content type, body"},
    )
    status_code = ma.fields.Integer(required=True)
    shadow_status_code = ma.fields.Integer(required=True, allow_none=True)
    content_type = ma.fields.String(required=True)
    shadow_content_type = ma.fields.String(required=True, allow_none=True)
    members = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "JSON pointers of members that differ"},
    )
    note = ma.fields.String(
        required=True, metadata={"description": "Why there is no answer, or how bodies differ"}
    )


ShadowDifferencePage = page_schema(ShadowDifferenceOut, searched_back_to=SEARCHED_BACK_TO)
