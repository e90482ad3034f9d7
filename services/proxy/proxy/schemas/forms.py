"""What the console's forms send, where it differs from the API."""

import json
from typing import Any

import marshmallow as ma
from common.console.rights import Right
from common.texts import N_, _
from common.web.fields import Flag, Integer, JsonObject, Line, Name, Text
from marshmallow import validate

from proxy.access.reasons import MAX_REASON_CHARS
from proxy.access.scopes import HEARTBEAT
from proxy.models import (
    USUAL_RESPONSE_RETENTION_DAYS,
    USUAL_RETRY_ATTEMPTS,
    Framing,
    RerunState,
    TaskStatus,
)
from proxy.record.rerun_tasks import MOST_BATCH_SIZE, USUAL_BATCH_SIZE
from proxy.registry.content_match import KINDS
from proxy.registry.credentials import KINDS as SHOWN
from proxy.registry.mediators import URN
from proxy.schemas.channels import (
    LONGEST_RETRY_PERIOD_S,
    LONGEST_TIMEOUT_S,
    LONGEST_TOTAL_S,
    MOST_FIELDS,
    MOST_PORT,
    MOST_RESPONSE_RETENTION_DAYS,
    MOST_RETENTION_DAYS,
    MOST_RETRIES,
    MOST_ROUTES,
    ChannelIn,
    IndexedField,
    MaskedField,
    MatchIn,
    RouteIn,
    RouteOut,
)
from proxy.schemas.clients import MOST_CALLS, PRINTABLE, CertificateName, ClientIn
from proxy.schemas.fields import NetworkText, Schema, Several
from proxy.schemas.mediators import MOST_PEM_CHARS, MediatorIn
from proxy.schemas.registrations import RegistrationIn
from proxy.schemas.roles import ChannelIds, RoleIn
from proxy.schemas.staff import MIN_PASSWORD_LENGTH, StaffIn

#: The fields of the page for a rule of the body, and what each is of the rule.
_BODY_RULE = {"match_kind": "kind", "match_expression": "expression", "match_value": "value"}

#: The fields of the page for a listener besides its port.
_LISTENER = {
    "listener_framing": "framing",
    "listener_tls": "tls",
    "listener_authorities": "client_authorities",
}

_CREDENTIALS = ("kind", "name", "secret")


class Lines(Several):
    """Several texts, typed one a line; blank lines are none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        lines = [line.strip() for text in value for line in text.splitlines()]
        return super()._deserialize([line for line in lines if line], *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return "\n".join(value)


class FieldLines(ma.fields.Field[Any]):
    """Fields of bodies, typed one a line: `patient id: hl7 PID-3.1`, or without a name."""

    def __init__(self, fields: type[MaskedField], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._fields = fields

    def _deserialize(self, value: str, *_args: Any, **_kwargs: Any) -> Any:
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        if len(lines) > MOST_FIELDS:
            raise ma.ValidationError(f"Must be at most {MOST_FIELDS} lines.")
        try:
            return self._fields(many=True).load([self._field(line) for line in lines])
        except ma.ValidationError as exc:
            like = "patient id: hl7 PID-3.1" if self._is_named else "hl7 PID-13"
            raise ma.ValidationError(f"A line is like {like}.") from exc

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


class Box(Flag):
    """Browsers send `true` for a box that is ticked, and nothing for one that is not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_default=False, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        return bool(value == "true")


class Whole(Integer):
    """A whole number as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(int(value), *args, **kwargs)
        except ValueError as exc:
            raise self.make_error("invalid", input=value) from exc


class Typed(Text):
    """Text of several lines. Browsers end each with CR and LF, whatever was pasted."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value.replace("\r\n", "\n"), *args, **kwargs)


class BlankIsDefault(ma.fields.Field[Any]):
    """Mixin: a field that was left blank is as good as not sent."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        is_blank = isinstance(value, str) and not value.strip()
        return super().deserialize(ma.missing if is_blank else value, *args, **kwargs)


class JsonText(BlankIsDefault, JsonObject):
    """A JSON object as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ma.ValidationError(_("This is not JSON: %(exc)s.", exc=exc)) from exc
        return super()._deserialize(found, *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if value else None


class RoutesText(BlankIsDefault):
    """Secondary routes as a JSON list; secrets are shown as masks, and stay where masks stay."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ma.ValidationError(_("This is not JSON: %(exc)s.", exc=exc)) from exc
        if not isinstance(found, list) or len(found) > MOST_ROUTES:
            raise ma.ValidationError(
                _("Must be a list of at most %(MOST_ROUTES)s routes.", MOST_ROUTES=MOST_ROUTES)
            )
        return RouteIn(many=True).load(found)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        shown = RouteOut(many=True).dump(value or [])
        return json.dumps(shown, indent=2, ensure_ascii=False) if shown else None


class Seconds(BlankIsDefault, ma.fields.Float):
    """A length of time."""


class WholeOrBlank(BlankIsDefault, Whole):
    """A whole number as typed, or none."""


class PortText(WholeOrBlank):
    """A listener's port as typed; blank: there is no listener."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return value["port"] if value else None


class ScheduleText(BlankIsDefault, Line):
    """A schedule as typed; blank: there is none."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return value["schedule"] if value else None


class TypedPassword(BlankIsDefault, Text):
    """A password; one that was left blank is not there at all."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(
            required=required, load_only=True, min_length=MIN_PASSWORD_LENGTH, max_length=256
        )


class TypedSecret(BlankIsDefault, Line):
    """A secret that a client has already; one that was left blank is not there at all."""

    def __init__(self) -> None:
        super().__init__(load_only=True, max_length=1024)


class TypedToken(BlankIsDefault, Text):
    """A custom token; blank: it stays as it is."""

    def __init__(self) -> None:
        super().__init__(
            load_only=True,
            min_length=8,
            max_length=1024,
            validate=validate.Regexp(
                PRINTABLE, error=N_("Must be printable ASCII without spaces.")
            ),
        )


class Chosen(BlankIsDefault, ma.fields.UUID):
    """The id of a record that was chosen from a list."""

    default_error_messages = {"required": "Choose one.", "invalid_uuid": "Choose one of the list."}


class NameFilter(Schema):
    """Which records: by a part of the name."""

    name = Name()


class RecordFilter(NameFilter):
    """Which records: by a part of the name, and by whether they are active."""

    is_active = ma.fields.Boolean()


class ClientForm(ClientIn):
    """A client, all but whether it is active: that has a button of its own."""

    allowed_ips = Lines(NetworkText(), load_default=list)
    roles = Lines(Name(max_length=100), load_default=list)
    certificates = Lines(CertificateName(max_length=1000), load_default=list)
    max_rate = Seconds(
        load_default=None, validate=validate.Range(0, MOST_CALLS, min_inclusive=False)
    )
    max_concurrent = WholeOrBlank(low=1, high=MOST_CALLS, load_default=None)
    heartbeats = Lines(Name(validate=validate.Regexp(URN)), load_default=list)
    custom_token = TypedToken()

    class Meta:
        exclude = ("is_active",)

    @ma.post_load
    def _with_heartbeats(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Scopes that are bound to a mediator are typed as its urn."""
        given["scopes"] = given["scopes"] + [HEARTBEAT + urn for urn in given.pop("heartbeats")]
        return given

    @ma.pre_dump
    def _split_heartbeats(self, client: Any, **_kwargs: Any) -> dict[str, Any]:
        shown = {name: getattr(client, name, None) for name in self.fields}
        bound = [one for one in client.scopes if one.startswith(HEARTBEAT)]
        return {
            **shown,
            "scopes": [one for one in client.scopes if one not in bound],
            "heartbeats": [one.removeprefix(HEARTBEAT) for one in bound],
        }


class NewClientForm(ClientForm):
    """A client to be made, with a secret of its own or, blank, one that is made for it."""

    client_secret = TypedSecret()


class ReasonForm(Schema):
    """Why a body is opened."""

    reason = Name(required=True, max_length=MAX_REASON_CHARS)


class ViewForm(ma.Schema):
    """What a view is called, and who sees it."""

    name = Name(required=True, max_length=100, data_key="view_name")
    is_shared = Box(data_key="view_is_shared")


class RotateForm(Schema):
    """How to rotate a client's secret."""

    drop_others = Box()


class ChannelForm(ChannelIn):
    """A channel, all but whether it is active: that has a button of its own."""

    description = Typed(max_length=2000, load_default="")
    requires_request_body = Box()
    request_body_example = Typed(max_length=100_000, load_default="")
    request_body_schema = JsonText(load_default=None, max_length=200_000)
    priority = Whole(low=1, load_default=1)
    allow = Lines(Name(), load_default=list)
    timeout_s = Seconds(
        load_default=None,
        validate=validate.Range(0, LONGEST_TIMEOUT_S, min_inclusive=False),
    )
    total_timeout_s = Seconds(
        load_default=None,
        validate=validate.Range(0, LONGEST_TOTAL_S, min_inclusive=False),
    )
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


class RerunForm(ma.Schema):
    """How calls are made again; which is said by the list's filters beside it."""

    batch_size = Whole(low=1, high=MOST_BATCH_SIZE, load_default=USUAL_BATCH_SIZE)
    include_repeated = Box()


class TaskFilter(NameFilter):
    """Which tasks: by a part of the name of whoever made them, and by where they stand."""

    status = ma.fields.Enum(TaskStatus, by_value=ma.fields.String)


class TaskCallFilter(ma.Schema):
    """Which calls of a task: by what became of them."""

    state = ma.fields.Enum(RerunState, by_value=ma.fields.String)


class TrialForm(MatchIn):
    """A call that might come, and the pattern and the rewriting as they are being typed; without
    them, as stored."""

    path_pattern = Text(max_length=1024, load_default=None)
    rewrite_path = Line(max_length=2048, load_default=None)
    rewrite_expression = Line(max_length=1024, load_default=None)


class MediatorForm(MediatorIn):
    """A mediator, all but whether it is switched on: that has a button of its own."""

    config = JsonText(load_default=dict)
    credentials_kind = ma.fields.String(load_default="", validate=validate.OneOf(["", *SHOWN]))
    credentials_name = Line(max_length=255, load_default="")
    credentials_secret = Line(max_length=4096, load_default="", load_only=True)
    ca_certificates = Typed(max_length=MOST_PEM_CHARS, load_default="")
    client_certificate = Typed(max_length=MOST_PEM_CHARS, load_default="")
    client_key = Typed(max_length=MOST_PEM_CHARS, load_default="", load_only=True)

    class Meta:
        #: The last three are what the mediator says of itself.
        exclude = ("is_online", "credentials", "endpoints", "config_defs", "default_channels")

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Three fields are the credentials; a key left blank stays, with its certificate."""
        kind, name, secret = (given.pop(f"credentials_{of}", "") for of in _CREDENTIALS)
        shown = {"kind": kind, "name": name, "secret": secret}
        if not given["client_key"] and given["client_certificate"]:
            del given["client_key"]
        return {**given, "credentials": shown if kind else None}

    @ma.post_dump(pass_original=True)
    def _as_fields(self, shown: dict[str, Any], mediator: Any, **_kwargs: Any) -> dict[str, Any]:
        stored = mediator.credentials or {}
        found = {f"credentials_{of}": stored.get(of, "") for of in ("kind", "name")}
        return {**shown, **found}


class RegistrationForm(RegistrationIn):
    """An organization's codes, all but whether they are in use: that has a button of its own."""

    channel_id = Chosen(load_default=None)
    allow = Lines(Name(), load_default=list)  # type: ignore[assignment]  # as typed: null is the box below
    every_client = Box()

    class Meta:
        exclude = ("is_active",)

    @ma.pre_dump
    def _is_for_every_client(self, registration: Any, **_kwargs: Any) -> dict[str, Any]:
        shown = {name: getattr(registration, name, None) for name in self.fields}
        return {
            **shown,
            "allow": registration.allow or [],
            "every_client": registration.allow is None,
        }

    @ma.post_load
    def _for_every_client(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        if given.pop("every_client"):
            given["allow"] = None
        return given


class NewMemberForm(StaffIn):
    """A member of staff who joins."""

    password = TypedPassword(required=True)

    class Meta:
        exclude = ("is_active",)


class MemberForm(NewMemberForm):
    """What to change of a member of staff."""

    password = TypedPassword()


class RoleFilter(NameFilter):
    """Which roles: by a part of the name."""


class RoleForm(RoleIn):
    """A role; a box beside each list of channels says that it is every channel."""

    EVERY = ("every_view", "every_body", "every_rerun")

    rights = Several(
        ma.fields.String(validate=validate.OneOf([one.value for one in Right])), load_default=list
    )
    view_channels = ChannelIds("view", load_default=list)
    body_channels = ChannelIds("see bodies of", load_default=list)
    rerun_channels = ChannelIds("make again", load_default=list)
    every_view = Box()
    every_body = Box()
    every_rerun = Box()

    @ma.pre_dump
    def _with_boxes(self, role: Any, **_kwargs: Any) -> dict[str, Any]:
        shown = {name: getattr(role, name, None) for name in self.fields}
        for box in self.EVERY:
            ids = getattr(role, _channels(box))
            shown |= {box: ids is None, _channels(box): ids or []}
        return shown

    @ma.post_load
    def _without_boxes(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        for box in self.EVERY:
            if given.pop(box):
                given[_channels(box)] = None
        return given


def _channels(box: str) -> str:
    return f"{box.removeprefix('every_')}_channels"
