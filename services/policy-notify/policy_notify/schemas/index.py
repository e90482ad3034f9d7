"""The service's own page on the wire."""

import marshmallow as ma

from policy_notify.schemas.fields import Schema


class IndexOut(Schema):
    """What the service is."""

    ok = ma.fields.Boolean(required=True)
    service = ma.fields.String(required=True)
    languages = ma.fields.List(ma.fields.String(), required=True)
    enabled_types = ma.fields.List(ma.fields.String(), required=True)
    scheduled_hours = ma.fields.List(ma.fields.Integer(), required=True)
    report_rights = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "openIMIS's rights that the scope policy:report stands for"},
    )
    endpoints = ma.fields.List(ma.fields.String(), required=True)
