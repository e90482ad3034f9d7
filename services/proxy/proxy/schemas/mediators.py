"""Mediators on the wire."""

from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.fields import Flag, JsonObject, Moment, Name
from marshmallow import validate

from proxy.mediators import URN, is_online
from proxy.parts import parts
from proxy.schemas.fields import Recorded, Schema
from proxy.versions import SEMVER

_LONGEST_UPTIME_S = 1e10
#: What an endpoint looks like, for the document; `proxy.endpoints` has the rules and the reasons.
_HOST = r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
ENDPOINT = rf"^(https?://{_HOST}(:[0-9]{{1,5}})?(/[!-\"$->@-~]*)?|tcp://{_HOST}:[0-9]{{1,5}}/?)$"


class MediatorIn(Schema):
    """A registration, or what to change of a mediator."""

    name = Name(required=True)
    urn = Name(required=True, validate=validate.Regexp(URN))
    version = Name(
        required=True,
        max_length=64,
        validate=validate.Regexp(SEMVER, error="Must be a semantic version."),
        metadata={"description": "A semantic version (semver.org), `1.2.3`"},
    )
    endpoint_url = Name(
        required=True,
        max_length=2048,
        metadata={
            "description": "`http://`, `https://` or `tcp://host:port`; no credentials",
            "pattern": ENDPOINT,
        },
    )
    is_online = Flag(metadata={"description": "False: switched off by hand"})
    config = JsonObject()


class EffectivelyOnline(ma.fields.Boolean):
    """Whether the mediator takes calls now: its flag and its last heartbeat together."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> bool:
        timeout_s = parts().settings.heartbeat_timeout_s
        return is_online(value, obj.last_heartbeat, utc_now(), timeout_s)


class MediatorOut(Recorded):
    """A mediator."""

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
    config = ma.fields.Dict(required=True)


class HeartbeatIn(Schema):
    """A sign of life."""

    uptime = ma.fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, _LONGEST_UPTIME_S),
        metadata={"description": "Seconds since the mediator started"},
    )
