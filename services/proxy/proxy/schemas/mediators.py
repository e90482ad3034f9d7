"""Mediators on the wire."""

import re
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.texts import N_
from common.web.fields import Flag, JsonObject, Line, Moment, Name, Tag, Text
from marshmallow import validate

from proxy.checks.mediators import state_of
from proxy.container import container
from proxy.record.masks import MASK
from proxy.registry.credentials import KINDS
from proxy.registry.mediators import URN, Beat, config_of, is_online
from proxy.registry.versions import SEMVER
from proxy.schemas.fields import Complete, Objects, Recorded, Schema, Several
from proxy.statistics.judging import MediatorState

MOST_PEM_CHARS = 100_000
FIRST_VERSION = "1.0.0"
_SHORT = re.compile(r"\d+(\.\d+)?")
_LONGEST_UPTIME_S = 1e10
#: What an endpoint looks like, for the document; `proxy.registry.endpoints` has the rules.
_HOST = r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
ENDPOINT = rf"^(https?://{_HOST}(:[0-9]{{1,5}})?(/[!-\"$->@-~]*)?|tcp://{_HOST}:[0-9]{{1,5}}/?)$"


class WholeVersion(Name):
    """A version; numbers that are missing at its end are 0."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        missing = 2 - text.count(".") if _SHORT.fullmatch(text) else 0
        return text + ".0" * missing


class CredentialsIn(Schema):
    """What the hub shows to a mediator or on a secondary route."""

    kind = ma.fields.String(required=True, validate=validate.OneOf(KINDS))
    name = Line(
        max_length=255,
        load_default="",
        metadata={"description": "The user (`basic`) or the field (`header`)"},
    )
    secret = Line(
        max_length=4096,
        load_default="",
        metadata={"description": "Sealed when stored; `***` means the one that is there"},
    )


class MediatorIn(Schema):
    """A registration, or what to change of a mediator."""

    name = Name(required=True, metadata={"example": "Laboratory"})
    urn = Name(
        required=True,
        validate=validate.Regexp(URN),
        metadata={"example": "urn:mediator:laboratory"},
    )
    version = WholeVersion(
        load_default=FIRST_VERSION,
        max_length=64,
        validate=validate.Regexp(SEMVER, error=N_("Must be a semantic version.")),
        metadata={"description": "A semantic version (semver.org), `1.2.3`; `1.2` is `1.2.0`"},
    )
    endpoint_url = Name(
        required=True,
        max_length=2048,
        metadata={
            "example": "http://lab.example.org:8080",
            "description": "`http://`, `https://` or `tcp://host:port`; no credentials",
            "pattern": ENDPOINT,
        },
    )
    is_online = Flag(metadata={"description": "False: switched off by hand"})
    config = JsonObject(
        metadata={
            "description": "Passwords are answered as masks; a mask that comes back means the same"
        }
    )
    config_defs = Objects(
        "param",
        metadata={
            "description": "Definitions of the configuration's parameters, as OpenHIM's"
            " `configDefs`; those of type `password` are masked",
            "example": [{"param": "server", "displayName": "Server", "type": "string"}],
        },
    )
    endpoints = Objects(
        "host",
        metadata={
            "description": "Where the mediator listens, as OpenHIM's `endpoints`",
            "example": [{"name": "FHIR", "host": "shr", "port": 3000, "primary": True}],
        },
    )
    default_channels = Objects(
        "name",
        metadata={
            "description": "Channels that the mediator suggests, as OpenHIM's"
            " `defaultChannelConfig`",
            "example": [{"name": "FHIR", "urlPattern": "^/fhir.*$", "routes": []}],
        },
    )
    account = Line(
        max_length=255,
        metadata={
            "description": "Client id of the machine account that registers it and beats for it;"
            " empty: none"
        },
    )
    credentials = Complete(
        CredentialsIn,
        allow_none=True,
        metadata={"description": "What the hub shows the mediator; null: nothing"},
    )
    ca_certificates = Text(
        max_length=MOST_PEM_CHARS,
        metadata={"description": "PEM: who may vouch for the mediator; empty: the usual ones"},
    )
    client_certificate = Text(
        max_length=MOST_PEM_CHARS, metadata={"description": "PEM, with its chain"}
    )
    client_key = Text(
        max_length=MOST_PEM_CHARS,
        load_only=True,
        metadata={"description": "PEM without a password; `***`: the one that is there"},
    )


class CredentialsOut(Schema):
    """The same with a mask for the secret."""

    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    secret = ma.fields.Constant(MASK, required=True)


class EffectivelyOnline(ma.fields.Boolean):
    """Whether the mediator takes calls now: its flag and its last heartbeat together."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> bool:
        timeout_s = container().settings.heartbeat_timeout_s
        return is_online(value, obj.last_heartbeat, utc_now(), timeout_s)


class MediatorOut(Recorded):
    """A mediator."""

    etag = Tag()
    state = ma.fields.Function(
        lambda mediator: str(state_of(mediator.id)),
        required=True,
        metadata={
            "type": "string",
            "enum": list(MediatorState),
            "description": "Judged by its switch, its heartbeats and its calls",
        },
    )
    name = ma.fields.String(required=True)
    urn = ma.fields.String(required=True)
    version = ma.fields.String(required=True)
    endpoint_url = ma.fields.String(required=True)
    is_online = EffectivelyOnline(
        required=True,
        metadata={"description": "Whether it takes calls now, by its flag and last heartbeat"},
    )
    last_heartbeat = Moment(required=True, allow_none=True)
    uptime = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Seconds"})
    circuit_open_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Null, or past: it gets calls. It did not answer lately else"},
    )
    config = ma.fields.Dict(required=True)
    credentials = ma.fields.Nested(CredentialsOut, required=True, allow_none=True)
    ca_certificates = ma.fields.String(required=True)
    client_certificate = ma.fields.String(required=True)
    has_client_key = ma.fields.Boolean(required=True)
    config_changed_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When an operator last changed the configuration"},
    )
    config_defs = ma.fields.List(ma.fields.Dict(), required=True)
    endpoints = ma.fields.List(ma.fields.Dict(), required=True)
    default_channels = ma.fields.List(ma.fields.Dict(), required=True)
    account = ma.fields.String(required=True)


class HeartbeatOut(MediatorOut):
    """A mediator as it is told itself: its configuration with the passwords."""

    config_is_new = ma.fields.Boolean(
        required=True,
        metadata={"description": "An operator changed it since the last heartbeat"},
    )

    @ma.pre_dump
    def _revealed(self, beat: Beat, **_kwargs: Any) -> SimpleNamespace:
        mediator = beat.mediator
        named = MediatorOut(exclude=["state"]).fields
        members = {name: getattr(mediator, name) for name in named}
        members["config"] = config_of(container().sealer, mediator)
        return SimpleNamespace(**members, config_is_new=beat.has_new_config)


class HeartbeatIn(Schema):
    """A sign of life."""

    uptime = ma.fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, _LONGEST_UPTIME_S),
        metadata={"description": "Seconds since the mediator started"},
    )


class InstallIn(Schema):
    """Which of the channels that a mediator suggests are to be opened."""

    names = Several(Name(), load_default=list, metadata={"description": "Empty: all"})


class InstalledOut(Schema):
    """What became of one of them."""

    name = ma.fields.String(required=True)
    channel_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        attribute="channel.id",
        dump_default=None,
        metadata={"description": "Null: it was not opened"},
    )
    notes = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "What is otherwise than suggested, or why it was not opened"},
    )
