"""What API clients ask of the hub itself: a call by channel id, and how a call stands."""

import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from common.texts import N_, _
from common.web.examples import EXAMPLE_ID
from common.web.fields import Moment, Name, Text, check_storable
from marshmallow import validate

from proxy.models import FINAL_STATUSES, TransactionStatus
from proxy.record.bodies import SHORTENED_MARK as CUT
from proxy.record.call_states import forwarded_url
from proxy.registry.patterns import has_dot_segments
from proxy.schemas.fields import Headers, Method, Schema

MAX_HEADERS = 100
#: Python's `$` alone also stands before a last line break.
END = r"(?!\n)$"
_FORMER_ID = re.compile(r"[0-9]{1,18}")


class ChannelId(ma.fields.Field[uuid.UUID | int]):
    """A channel's id, or the whole number that it had at the Django mediator."""

    def __init__(self, **kwargs: Any) -> None:
        forms = [{"type": "string", "format": "uuid"}, {"type": "integer", "minimum": 0}]
        metadata = {
            "anyOf": forms,
            "example": str(EXAMPLE_ID),
            "description": "Of a channel that was imported also the number that it had before",
        }
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> uuid.UUID | int:
        text = str(value)
        if not isinstance(value, bool) and _FORMER_ID.fullmatch(text):
            return int(text)
        try:
            return uuid.UUID(text)
        except ValueError:
            raise ma.ValidationError(_("Not a valid UUID.")) from None


class CallPath(Text):
    """A percent-encoded path; a missing first slash is put before it."""

    def __init__(self) -> None:
        rule = validate.Regexp(rf"^/?[!-~]*{END}", error=N_("Must be a percent-encoded path."))
        metadata = {"description": "Without it, the channel's own path"}
        super().__init__(min_length=1, max_length=2048, validate=rule, metadata=metadata)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        return text if text.startswith("/") else f"/{text}"


class CallQuery(Text):
    """A percent-encoded query, or an object of parameters; a list gives one several values."""

    def __init__(self) -> None:
        rule = validate.Regexp(rf"^[!-~]*{END}", error=N_("Must be a percent-encoded query."))
        forms = [{"type": "string"}, {"type": "object", "additionalProperties": True}]
        super().__init__(max_length=4096, load_default="", validate=rule, metadata={"anyOf": forms})

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            check_storable(value)
            value = urlencode([pair for name in value for pair in _pairs(name, value[name])])
        return super()._deserialize(value, *args, **kwargs)


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """A parameter with its values, as JSON spells them. Raises ValidationError for an object."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in values):
        raise ma.ValidationError(
            _("The value of %(name)s must be a text, a number or a list of them.", name=name)
        )
    texts = (one if isinstance(one, str) else json.dumps(one) for one in values if one is not None)
    return [(name, text) for text in texts]


class IntegrationCallIn(ma.Schema):
    """A call for systems that cannot set paths. Members that are not known do not count, and null
    is as good as not sent."""

    class Meta:
        unknown = ma.EXCLUDE

    channel_id = ChannelId(required=True)
    body = ma.fields.Raw(
        allow_none=True,
        metadata={
            "example": {"family": "Mushi", "given": "Asha"},
            "description": "JSON, sent as it is spelled; a text is sent as its characters",
        },
    )
    method = Method(
        metadata={
            "example": "POST",
            "description": "Without it, the first one of the channel's, else POST",
        }
    )
    path = CallPath()
    query = CallQuery()
    headers = ma.fields.Dict(
        keys=Name(max_length=100, validate=validate.Regexp(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")),
        values=Text(
            max_length=4096,
            validate=validate.Regexp(
                rf"^[\t\x20-\x7e\xa0-\xff]*{END}", error=N_("Must be header text.")
            ),
        ),
        load_default=dict,
        validate=validate.Length(max=MAX_HEADERS),
    )
    content_type = Name(
        load_default="application/json",
        validate=validate.Regexp(r"^[\x20-\x7e]+$", error=N_("Must be a media type.")),
    )
    is_async = ma.fields.Boolean(data_key="async")
    organization = Name(
        validate=validate.Regexp(r"^[\x20-\x7e\xa0-\xff]+$", error=N_("Must be header text."))
    )
    esb_mode = ma.fields.String(validate=validate.OneOf(["normal", "push"]))

    @ma.pre_load
    def _null_is_none(self, given: Any, **_kwargs: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}

    @ma.validates("path")
    def _no_dot_segments(self, path: str, **_kwargs: Any) -> None:
        if has_dot_segments(re.sub("%2[eE]", ".", path)) or "?" in path or "#" in path:
            raise ma.ValidationError(_("Must be a path without dot segments, query or fragment."))


class CallStateOut(Schema):
    """How a call of the asking client stands."""

    correlation_id = ma.fields.UUID(required=True)
    status = ma.fields.Enum(TransactionStatus, by_value=ma.fields.String, required=True)
    is_terminal = ma.fields.Function(
        lambda row: row.status in FINAL_STATUSES,
        metadata={"type": "boolean", "description": "Whether the status is final"},
    )
    request_method = ma.fields.String(required=True)
    request_url = ma.fields.Function(
        forwarded_url, metadata={"type": "string", "description": "Where the call went"}
    )
    request_body_length = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Bytes of the whole body as it came; null: not known"},
    )
    response_status_code = ma.fields.Integer(required=True, allow_none=True)
    response_headers = Headers(required=True, allow_none=True)
    response_body = ma.fields.String(
        required=True, allow_none=True, metadata={"description": f"Cut, it ends in `{CUT}`"}
    )
    response_body_length = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "As `request_body_length`"}
    )
    error_message = ma.fields.Function(
        lambda row: row.error_message or "",
        metadata={"type": "string", "description": "Empty where there is none"},
    )
    started_at = Moment(required=True)
    completed_at = Moment(required=True, allow_none=True)
