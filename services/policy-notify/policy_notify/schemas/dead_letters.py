"""Events that could not be handled, on the wire."""

import marshmallow as ma

from policy_notify.schemas.fields import Schema


class DeadLetterOut(Schema):
    """An event that could not be handled."""

    key = ma.fields.String(required=True)
    event_id = ma.fields.String(required=True, allow_none=True)
    type = ma.fields.String(required=True, allow_none=True)
    size_bytes = ma.fields.Integer(required=True)
    replayed = ma.fields.Integer(
        required=True, metadata={"description": "How often it was sent again, and came back"}
    )


class DoneOut(Schema):
    """How many it was done with."""

    ok = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True)
