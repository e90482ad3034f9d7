"""Roles of staff on the wire."""

from typing import Any

import marshmallow as ma
from common.console.rights import ROLE_NAME, Right
from common.texts import N_
from common.web.fields import Name
from marshmallow import validate

from proxy.schemas.fields import Recorded, Schema, Several

MOST_CHANNELS = 1000
_PATTERN = f"^{ROLE_NAME.pattern}$"


class ChannelIds(ma.fields.List[Any]):
    """Ids of channels, kept as texts; null: all channels."""

    def __init__(self, act: str, **kwargs: Any) -> None:
        super().__init__(
            ma.fields.UUID(),
            validate=validate.Length(max=MOST_CHANNELS),
            allow_none=True,
            metadata={"description": f"Channels whose calls it may {act}; null: all"},
            **{"load_default": None, **kwargs},
        )

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return sorted({str(one) for one in super()._deserialize(value, *args, **kwargs)})


class RoleIn(Schema):
    """A role, or what to change of one."""

    name = Name(
        required=True,
        max_length=64,
        validate=validate.Regexp(_PATTERN, error=N_("Small letters, digits and hyphens.")),
        metadata={"pattern": _PATTERN, "example": "hiv-clinic"},
    )
    rights = Several(
        ma.fields.String(validate=validate.OneOf([one.value for one in Right])),
        most=len(Right),
        required=True,
        metadata={"example": ["gateway:observe"]},
    )
    view_channels = ChannelIds("view")
    body_channels = ChannelIds("see bodies of")
    rerun_channels = ChannelIds("make again")


class RoleOut(Recorded):
    """A role that was made here."""

    name = ma.fields.String(required=True)
    rights = ma.fields.List(ma.fields.String(), required=True)
    view_channels = ma.fields.List(ma.fields.UUID(), required=True, allow_none=True)
    body_channels = ma.fields.List(ma.fields.UUID(), required=True, allow_none=True)
    rerun_channels = ma.fields.List(ma.fields.UUID(), required=True, allow_none=True)
