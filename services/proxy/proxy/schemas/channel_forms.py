"""What the console's forms for channels send, where it differs from the API."""

import json
from typing import Any

import marshmallow as ma
from common.console.form_fields import BlankIsDefault, Box, JsonText, Typed, typed_json
from common.texts import _
from common.web.fields import Line, Name, Text
from marshmallow import validate

from proxy.models import USUAL_RESPONSE_RETENTION_DAYS, USUAL_RETRY_ATTEMPTS, Framing
from proxy.registry.content_match import KINDS
from proxy.schemas.channel_parts import (
    MOST_FIELDS,
    MOST_PORT,
    MOST_ROUTES,
    IndexedField,
    MaskedField,
    RouteIn,
    RouteOut,
)
from proxy.schemas.channels import (
    LONGEST_RETRY_PERIOD_S,
    LONGEST_TIMEOUT_S,
    LONGEST_TOTAL_S,
    MOST_RESPONSE_RETENTION_DAYS,
    MOST_RETENTION_DAYS,
    MOST_RETRIES,
    ChannelIn,
)
from proxy.schemas.fields import NetworkText
from proxy.schemas.form_fields import Chosen, Lines, PositiveOrBlank, Whole, WholeOrBlank
from proxy.schemas.match_tests import MatchIn
from proxy.schemas.mediators import MOST_PEM_CHARS

#: The fields of the page for a rule of the body, and what each is of the rule.
_BODY_RULE = {"match_kind": "kind", "match_expression": "expression", "match_value": "value"}

#: The fields of the page for a listener besides its port.
_LISTENER = {
    "listener_framing": "framing",
    "listener_tls": "tls",
    "listener_authorities": "client_authorities",
}


class FieldLines(ma.fields.Field[Any]):
    """Fields of bodies, typed one a line: `patient id: hl7 PID-3.1`, or without a name."""

    def __init__(self, fields: type[MaskedField], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._fields = fields

    def _deserialize(self, value: str, *_args: Any, **_kwargs: Any) -> Any:
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        if len(lines) > MOST_FIELDS:
            raise ma.ValidationError(_("Must be at most %(most)s lines.", most=MOST_FIELDS))
        try:
            return self._fields(many=True).load([self._field(line) for line in lines])
        except ma.ValidationError as exc:
            like = "patient id: hl7 PID-3.1" if self._is_named else "hl7 PID-13"
            raise ma.ValidationError(_("A line is like %(like)s.", like=like)) from exc

    def _field(self, line: str) -> dict[str, str]:
        name, mark, place = line.partition(":") if self._is_named else ("", "", line)
        kind, _, expression = place.strip().partition(" ")
        found = {"kind": kind.lower(), "expression": expression.strip()}
        return {**found, "name": name.strip()} if mark else found

    @property
    def _is_named(self) -> bool:
        return "name" in self._fields._declared_fields

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        names = ({**one, "name": f"{one['name']}: " if self._is_named else ""} for one in value)
        return "\n".join("{name}{kind} {expression}".format(**one) for one in names)


class RoutesText(BlankIsDefault):
    """Secondary routes as a JSON list; secrets are shown as masks, and stay where masks stay."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        found = typed_json(value)
        if not isinstance(found, list) or len(found) > MOST_ROUTES:
            raise ma.ValidationError(
                _("Must be a list of at most %(MOST_ROUTES)s routes.", MOST_ROUTES=MOST_ROUTES)
            )
        return RouteIn(many=True).load(found)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        shown = RouteOut(many=True).dump(value or [])
        return json.dumps(shown, indent=2, ensure_ascii=False) if shown else None


class PortText(WholeOrBlank):
    """A listener's port as typed; blank: there is no listener."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return value["port"] if value else None


class ScheduleText(BlankIsDefault, Line):
    """A schedule as typed; blank: there is none."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return value["schedule"] if value else None


class ChannelForm(ChannelIn):
    """A channel, all but whether it is active: that has a button of its own."""

    description = Typed(max_length=2000, load_default="")
    requires_request_body = Box()
    request_body_example = Typed(max_length=100_000, load_default="")
    request_body_schema = JsonText(load_default=None, max_length=200_000)
    priority = Whole(low=1, load_default=1)
    allow = Lines(Name(), load_default=list)
    timeout_s = PositiveOrBlank(most=LONGEST_TIMEOUT_S)
    total_timeout_s = PositiveOrBlank(most=LONGEST_TOTAL_S)
    async_passthrough = Box()
    store_request_body = Box()
    store_response_body = Box()
    keep_whole_bodies = Box()
    ask_reason = Box()
    retention_days = WholeOrBlank(low=1, high=MOST_RETENTION_DAYS, load_default=None)
    indexed_fields = FieldLines(IndexedField, load_default=list)
    masked_fields = FieldLines(MaskedField, load_default=list)
    response_retention_days = Whole(
        high=MOST_RESPONSE_RETENTION_DAYS, load_default=USUAL_RESPONSE_RETENTION_DAYS
    )
    shadow_unsafe = Box()
    is_public = Box()
    allowed_addresses = Lines(NetworkText(), load_default=list)
    always_async = Box()
    match_content_types = Lines(Name(), load_default=list)
    match_kind = ma.fields.String(load_default="", validate=validate.OneOf(["", *KINDS]))
    match_expression = Line(max_length=1024, load_default="")
    match_value = Line(max_length=1024, load_default="")
    rewrite_urls = Box()
    tell_client = Box()
    forward_authorization = Box()
    routes = RoutesText(load_default=list)
    listener = PortText(low=1, high=MOST_PORT, load_default=None)  # type: ignore[assignment]
    listener_framing = ma.fields.String(
        load_default=Framing.MLLP, validate=validate.OneOf([*Framing])
    )
    listener_tls = Box()
    listener_authorities = Typed(max_length=MOST_PEM_CHARS, load_default="")
    polling = ScheduleText(max_length=200, load_default=None)  # type: ignore[assignment]
    polling_time_zone = Line(max_length=64, load_default="")
    retry_period_s = WholeOrBlank(low=1, high=LONGEST_RETRY_PERIOD_S, load_default=None)
    retry_max_attempts = WholeOrBlank(low=1, high=MOST_RETRIES, load_default=USUAL_RETRY_ATTEMPTS)
    mediator_id = Chosen(required=True)

    class Meta:
        exclude = ("is_active", "match_body")

    @ma.post_load
    def _body_rule(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Three fields of the page are one rule; without a kind there is none."""
        kind, expression, value = (given.pop(name, "") for name in _BODY_RULE)
        rule = {"kind": kind, "expression": expression, "value": value}
        return {**given, "match_body": rule if kind else None}

    @ma.post_load
    def _inbound(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """A port is a listener, an expression a schedule; what stands beside a blank is none."""
        beside = {of: given.pop(name) for name, of in _LISTENER.items()}
        zone = given.pop("polling_time_zone")
        if given["listener"] is not None:
            given["listener"] = {"port": given["listener"], **beside}
        if given["polling"] is not None:
            given["polling"] = {"schedule": given["polling"], "time_zone": zone or "UTC"}
        return given

    @ma.post_dump(pass_original=True)
    def _as_fields(self, shown: dict[str, Any], channel: Any, **_kwargs: Any) -> dict[str, Any]:
        rule, listener = channel.match_body or {}, channel.listener or {}
        return {
            **shown,
            **{name: rule.get(of, "") for name, of in _BODY_RULE.items()},
            **{name: listener.get(of, "") for name, of in _LISTENER.items()},
            "polling_time_zone": (channel.polling or {}).get("time_zone", ""),
        }


class TrialForm(MatchIn):
    """A call that might come, and the pattern and the rewriting as they are being typed; without
    them, as stored."""

    path_pattern = Text(max_length=1024, load_default=None)
    rewrite_path = Line(max_length=2048, load_default=None)
    rewrite_expression = Line(max_length=1024, load_default=None)
