"""What came of bulk upserts, and what waits."""

import marshmallow as ma

from policy_notify.intake.kinds import KINDS
from policy_notify.schemas.fields import Schema


class UpsertArgs(Schema):
    """How the records are read."""

    unknown_members = ma.fields.String(
        data_key="unknown",
        load_default="reject",
        validate=ma.validate.OneOf(["reject", "ignore", "refuse"]),
        metadata={"description": "What becomes of members that are not declared (refuse: reject)"},
    )


class RejectedOut(Schema):
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
    changed = ma.fields.Integer(
        required=True, metadata={"description": "How many of them are new or not as they were"}
    )
    outdated = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        metadata={"description": "Places of records older than what is stored: left out"},
    )
    rejected = ma.fields.List(ma.fields.Nested(RejectedOut), required=True)
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


class KindCountOut(Schema):
    """How many records of a kind there are."""

    kind = ma.fields.String(required=True)
    stored = ma.fields.Integer(required=True)
    current = ma.fields.Integer(required=True, metadata={"description": "Not ended"})
    waiting = ma.fields.Integer(
        required=True, metadata={"description": "References that name nothing yet"}
    )


class ErasedOut(Schema):
    """What was erased besides the person."""

    ok = ma.fields.Boolean(required=True)
    messages = ma.fields.Integer(required=True)
