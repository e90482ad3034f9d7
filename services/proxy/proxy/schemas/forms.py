"""What the console's forms send, where it differs from the API."""

from typing import Any

import marshmallow as ma
from common.console.form_fields import Box, JsonText, Typed
from common.console.rights import Right
from common.web.fields import Line, Name
from marshmallow import validate

from proxy.access.reasons import MAX_REASON_CHARS
from proxy.access.scopes import HEARTBEAT
from proxy.models import RerunState, TaskStatus
from proxy.record.rerun_tasks import MOST_BATCH_SIZE, USUAL_BATCH_SIZE
from proxy.registry.credentials import KINDS as SHOWN
from proxy.registry.mediators import URN
from proxy.schemas.clients import MOST_CALLS, CertificateName, ClientIn
from proxy.schemas.fields import NetworkText, Schema, Several
from proxy.schemas.form_fields import (
    Chosen,
    Lines,
    PositiveOrBlank,
    TypedPassword,
    TypedSecret,
    TypedToken,
    Whole,
    WholeOrBlank,
)
from proxy.schemas.mediators import MOST_PEM_CHARS, MediatorIn
from proxy.schemas.registrations import RegistrationIn
from proxy.schemas.roles import ChannelIds, RoleIn
from proxy.schemas.staff import StaffIn

_CREDENTIALS = ("kind", "name", "secret")


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
    max_rate = PositiveOrBlank(most=MOST_CALLS)
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
