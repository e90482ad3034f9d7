"""What came of bulk upserts, and what waits."""

import marshmallow as ma

from policy_notify.intake.kinds import KINDS
from policy_notify.schemas.fields import Schema


class RefusedOut(Schema):
    """A record that was not stored."""

    index = ma.fields.Integer(required=True, metadata={"description": "Its place in the body"})
    uuid = ma.fields.String(required=True, allow_none=True)
    errors = ma.fields.Dict(required=True, metadata={"description": "Reasons by field"})


class WaitingOut(Schema):
    """A stored record that points at an unknown one: it counts once that has come."""

    index = ma.fields.Integer(required=True)
    uuid = ma.fields.UUID(required=True)
    field = ma.fields.String(required=True)
    missing = ma.fields.UUID(required=True)


class UpsertOut(Schema):
    """What came of the records."""

    ok = ma.fields.Boolean(required=True, metadata={"description": "Every record was stored"})
    received = ma.fields.Integer(required=True)
    stored = ma.fields.Integer(required=True)
    rejected = ma.fields.List(ma.fields.Nested(RefusedOut), required=True)
    waiting = ma.fields.List(ma.fields.Nested(WaitingOut), required=True)


def _pointers() -> list[str]:
    return [f"{kind.name}.{field}" for kind in KINDS.values() for field in kind.references]


class WaitingArgs(Schema):
    """Which references, and from where on."""

    reference = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(_pointers()),
        metadata={"description": "Kind and field: `policies.family`"},
    )
    cursor = ma.fields.UUID(load_default=None, metadata={"description": "The page before's"})
    limit = ma.fields.Integer(load_default=100, validate=ma.validate.Range(1, 500))


class DanglingOut(Schema):
    """A record that waits."""

    uuid = ma.fields.UUID(required=True)
    field = ma.fields.String(required=True)
    missing = ma.fields.UUID(required=True)
