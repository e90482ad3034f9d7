"""The configuration as one document on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import JsonObject

from proxy.schemas.channel_versions import ChangeOut
from proxy.schemas.fields import Schema

_LISTS = ("mediators", "channels", "clients", "registrations", "staff")
_RECORD_CHARS = 1_000_000


def _records() -> dict[str, ma.fields.Field[Any]]:
    return {name: ma.fields.List(JsonObject(max_length=_RECORD_CHARS)) for name in _LISTS}


#: Members of records are those of the API, ids and secrets left out: see `proxy.metadata`.
MetadataDocument = Schema.from_dict(
    {"kiungo_metadata": ma.fields.Integer(required=True, metadata={"example": 1}), **_records()},
    name="Metadata",
)


class ApplyArgs(Schema):
    """How to apply."""

    dry_run = ma.fields.Boolean(
        load_default=False, metadata={"description": "Say what would change, only"}
    )


class FindingOut(Schema):
    """What becomes of one record."""

    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    outcome = ma.fields.String(
        required=True, metadata={"description": "`new`, `changed`, `unchanged`, `only here`"}
    )
    changes = ma.fields.List(ma.fields.Nested(ChangeOut), required=True)
    notes = ma.fields.List(ma.fields.String(), required=True)
