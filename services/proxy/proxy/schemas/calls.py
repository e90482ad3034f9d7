"""What API clients ask of the hub itself: a call by channel id, and how a call stands."""

import re
from typing import Any

import marshmallow as ma
from common.fields import Moment, Name, Text
from marshmallow import validate

from proxy.gateway.matching import has_dot_segments
from proxy.models import FINAL_STATUSES, TransactionStatus
from proxy.schemas.fields import Method, Schema

MAX_HEADERS = 100
#: Python's `$` alone also stands before a last line break.
END = r"(?!\n)$"


class IntegrationCallIn(Schema):
    """A call for systems that cannot set paths."""

    channel_id = ma.fields.UUID(required=True)
    body = ma.fields.Raw(
        allow_none=True,
        metadata={"description": "JSON, sent as it is spelled; a text is sent as its characters"},
    )
    method = Method(load_default="POST")
    path = Text(
        min_length=1,
        max_length=2048,
        validate=validate.Regexp(rf"^/[!-~]*{END}", error="Must be a percent-encoded path."),
        metadata={"description": "Without it, the channel's own path"},
    )
    query = Text(
        max_length=4096,
        load_default="",
        validate=validate.Regexp(rf"^[!-~]*{END}", error="Must be a percent-encoded query."),
    )
    headers = ma.fields.Dict(
        keys=Name(max_length=100, validate=validate.Regexp(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")),
        values=Text(
            max_length=4096,
            validate=validate.Regexp(
                rf"^[\t\x20-\x7e\xa0-\xff]*{END}", error="Must be header text."
            ),
        ),
        load_default=dict,
        validate=validate.Length(max=MAX_HEADERS),
    )
    content_type = Name(
        load_default="application/json",
        validate=validate.Regexp(r"^[\x20-\x7e]+$", error="Must be a media type."),
    )
    is_async = ma.fields.Boolean(
        data_key="async",
        load_default=False,
        truthy={True},
        falsy={False},
    )
    organization = Name(
        validate=validate.Regexp(r"^[\x20-\x7e\xa0-\xff]+$", error="Must be header text.")
    )
    esb_mode = ma.fields.String(validate=validate.OneOf(["normal", "push"]))

    @ma.validates("path")
    def _no_dot_segments(self, path: str, **_kwargs: Any) -> None:
        if has_dot_segments(re.sub("%2[eE]", ".", path)) or "?" in path or "#" in path:
            raise ma.ValidationError("Must be a path without dot segments, query or fragment.")


class CallStateOut(Schema):
    """How a call of the asking client stands."""

    correlation_id = ma.fields.UUID(required=True)
    status = ma.fields.Enum(TransactionStatus, by_value=ma.fields.String, required=True)
    is_terminal = ma.fields.Function(
        lambda row: row.status in FINAL_STATUSES,
        metadata={"type": "boolean", "description": "Whether the status is final"},
    )
    request_method = ma.fields.String(required=True)
    request_url = ma.fields.String(required=True)
    response_status_code = ma.fields.Integer(required=True, allow_none=True)
    response_headers = ma.fields.Dict(required=True, allow_none=True)
    response_body = ma.fields.String(required=True, allow_none=True)
    error_message = ma.fields.String(required=True, allow_none=True)
    started_at = Moment(required=True)
    completed_at = Moment(required=True, allow_none=True)
