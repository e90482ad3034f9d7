"""Calls on the wire: what can be asked for, and what is on record."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from common.clock import rfc3339, utc_now
from common.texts import N_, _
from common.web.fields import Flag, Integer, Line, Moment, Name, Text, check_storable
from common.web.paging import PageArgs, page_schema
from marshmallow import validate

from proxy.access.reasons import HEADER, MAX_REASON_CHARS
from proxy.container import container
from proxy.models import TransactionStatus
from proxy.record.indexed_fields import digests_of, value_of
from proxy.record.spans import When, span_of
from proxy.record.transactions import TransactionFilter
from proxy.schemas.fields import SEARCHED_BACK_TO, Headers, Schema

MAX_RERUNS = 1000
MOST_PROPERTIES_ASKED = 5
PAIR = r"^[^=\u0000]+=[^\u0000]*$"
_DOTTED = "properties."


class Properties(ma.fields.Field[tuple[tuple[str, str], ...]]):
    """Names and values: an object, or one pair as `name=value`."""

    def __init__(self, **kwargs: Any) -> None:
        forms = [
            {"type": "string", "pattern": PAIR},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ]
        metadata = {
            "anyOf": forms,
            "example": "facility=101",
            "description": "Properties that mediators gave: `name=value`, or `properties.<name>`"
            " for each",
        }
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> tuple[tuple[str, str], ...]:
        if isinstance(value, str):
            name, mark, text = value.partition("=")
            value = {name.strip(): text.strip()} if mark else None
        if not isinstance(value, dict) or not 0 < len(value) <= MOST_PROPERTIES_ASKED:
            raise ma.ValidationError(_("Must be like name=value."))
        check_storable(value)
        if not all(name and isinstance(text, str) for name, text in value.items()):
            raise ma.ValidationError(_("Must be names with texts."))
        return tuple(value.items())


class About(Line):
    """A value that indexed fields may have, in clear or sealed by the console: as its digests."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        found = value_of(container().sealer, text)
        if not found or not found.strip():
            raise ma.ValidationError("Must be a value; the key of a sealed one may be gone.")
        return tuple(one.hex() for one in digests_of(container().sealer, found))


class _Milliseconds(ma.fields.Float):
    """A duration; at most a year."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(0, 366 * 24 * 3_600_000), **kwargs)


class ReasonArgs(ma.Schema):
    """The header of whoever reads a call in whole."""

    reason = Line(
        data_key=HEADER,
        load_default="",
        max_length=MAX_REASON_CHARS,
        metadata={
            "description": "Why: for calls of a channel with `ask_reason`",
            "example": "Complaint 17",
        },
    )

    class Meta:
        unknown = ma.EXCLUDE


class Filter(Schema):
    """Which calls; what is not given does not count."""

    status = ma.fields.Enum(TransactionStatus, by_value=ma.fields.String)
    channel = Name(metadata={"example": "Demo patients", "description": "The channel's name"})
    client = Name(metadata={"example": "demo", "description": "The client's `client_id`"})
    mediator = Name(
        metadata={
            "example": "urn:mediator:demo",
            "description": "The URN of the mediator that the calls' channels lead to now",
        }
    )
    method = Name(max_length=32, metadata={"example": "POST"})
    path = Text(
        max_length=2048, metadata={"example": "/demo", "description": "How the path begins"}
    )
    response_status = Name(
        max_length=3,
        validate=validate.Regexp("^[1-5]([0-9]{2}|xx)$", error=N_("Must be like 404 or 5xx.")),
        metadata={"example": "2xx", "description": "A status (`404`) or a class of them (`5xx`)"},
    )
    since = Moment(metadata={"description": "Started at this time or later"})
    until = Moment(metadata={"description": "Started before this time"})
    when = ma.fields.Enum(
        When,
        by_value=ma.fields.String,
        metadata={
            "description": "Instead of `since` and `until`: days and weeks of `SCHEME_TIMEZONE`"
        },
    )
    min_duration_ms = _Milliseconds(metadata={"example": 0, "description": "Took at least so long"})
    max_duration_ms = _Milliseconds(
        metadata={"example": 60000, "description": "Took at most so long"}
    )
    q = Text(
        max_length=255,
        metadata={
            "example": "patients",
            "description": "A text in the URL or the error; or a call's id, or the first 24 hex"
            " digits of it (`X-OpenHIM-TransactionID`)",
        },
    )
    properties = Properties()
    about = About(
        min_length=1,
        max_length=1024,
        metadata={
            "description": "What an indexed field of a channel holds in its request or answer, like"
            " a patient's id; wants `proxy:transactions:bodies`, and leaves an event in the audit"
            " log",
            "example": "P-17",
        },
    )

    @ma.pre_load
    def _plain(self, given: Any, **_kwargs: Any) -> Any:
        """`properties.<name>=value` becomes a member of `properties`, and `when` a span of time."""
        return _dated(self._undotted(given)) if isinstance(given, Mapping) else given

    @staticmethod
    def _undotted(given: Mapping[str, Any]) -> Mapping[str, Any]:
        dotted = [name for name in given if str(name).startswith(_DOTTED)]
        if not dotted:
            return given
        kept = {name: given[name] for name in given if name not in dotted}
        return {**kept, "properties": {name.removeprefix(_DOTTED): given[name] for name in dotted}}


def _dated(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A word that is not known stays, to be rejected as the field's value."""
    word = given.get("when")
    if word not in list(When):
        return given
    since, until = span_of(When(word), utc_now(), container().settings.scheme_timezone)
    kept = {name: given[name] for name in given if name != "when"}
    return {**kept, "since": rfc3339(since), "until": rfc3339(until)}


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
    include_repeated = Flag(
        load_default=False, metadata={"description": "Those that were repeated already, too"}
    )

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        beside = {name: given.pop(name) for name in ("limit", "include_repeated")}
        return {**beside, "wanted": some_condition(given)}


def some_condition(given: dict[str, Any]) -> TransactionFilter:
    """What a filter's fields say. Raises ValidationError where every call meets it."""
    wanted = TransactionFilter(**given)
    if wanted.is_empty():
        raise ma.ValidationError(_("Name at least one condition: this would repeat every call."))
    return wanted


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


TransactionPage = page_schema(TransactionSummaryOut, searched_back_to=SEARCHED_BACK_TO)


class OrchestrationOut(Schema):
    """A step that a mediator took, or a secondary route; as OpenHIM has it, secrets masked."""

    name = ma.fields.String()
    group = ma.fields.String()
    request = ma.fields.Dict()
    response = ma.fields.Dict()
    error = ma.fields.Dict()


class TransactionOut(TransactionSummaryOut):
    """A call with everything that is on record."""

    request_headers = Headers(required=True)
    mediator_url = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where it went: the endpoint before the path; null: to the bus"},
    )
    request_body = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null: the caller may not see bodies"},
    )
    request_body_length = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Bytes of the whole body as it came; null: not known"},
    )
    request_body_whole = ma.fields.Boolean(
        required=True, metadata={"description": "`request_body` is the body to the byte"}
    )
    response_headers = Headers(required=True, allow_none=True)
    response_body = ma.fields.String(required=True, allow_none=True)
    response_body_length = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "As `request_body_length`"}
    )
    esb_exchange_id = ma.fields.String(required=True, allow_none=True)
    match_ms = ma.fields.Float(required=True, allow_none=True)
    upstream_ms = ma.fields.Float(required=True, allow_none=True)
    store_ms = ma.fields.Float(required=True, allow_none=True)
    mediator_urn = ma.fields.String(
        required=True, metadata={"description": "What the mediator called itself in its report"}
    )
    orchestrations = ma.fields.List(ma.fields.Nested(OrchestrationOut), required=True)
    properties = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    mediator_error = ma.fields.Dict(
        required=True, allow_none=True, metadata={"description": "`message` and `stack`"}
    )


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
    left_out = ma.fields.Integer(
        required=True, metadata={"description": "Calls that were repeated already"}
    )
    more = ma.fields.Boolean(
        required=True, metadata={"description": "Further calls meet the conditions"}
    )
