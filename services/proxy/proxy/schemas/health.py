"""Health and the index of addresses on the wire."""

import marshmallow as ma
from common.web.fields import Moment


class PartOut(ma.Schema):
    """A part that the hub needs."""

    ok = ma.fields.Boolean(required=True)
    checked = ma.fields.Boolean(
        required=True, metadata={"description": "Whether it was really asked"}
    )
    detail = ma.fields.String()


class PartsOut(ma.Schema):
    """The parts that the hub needs."""

    database = ma.fields.Nested(PartOut, required=True)
    rabbitmq = ma.fields.Nested(PartOut, required=True)


class HealthOut(ma.Schema):
    """Whether the hub can do its work."""

    ok = ma.fields.Boolean(required=True)
    timestamp = Moment(required=True)
    services = ma.fields.Nested(PartsOut, required=True)
    listeners = ma.fields.Nested(
        PartOut, required=True, metadata={"description": "The ports that channels listen on"}
    )


class IndexOut(ma.Schema):
    """Where to find what."""

    name = ma.fields.String(required=True)
    service = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    addresses = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    endpoints = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={"description": "The same as `addresses`"},
    )
