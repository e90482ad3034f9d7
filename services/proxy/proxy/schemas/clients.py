"""Clients on the wire. Secrets are answered once, when they are made; hashes never."""

from typing import Any

import marshmallow as ma
from common.fields import Flag, Moment, Name
from marshmallow import validate

from proxy.clients import Issued
from proxy.schemas.fields import NetworkText, Recorded, Schema, Several
from proxy.scopes import SCOPES

#: What fits HTTP Basic and a header: printable ASCII without spaces and colons.
CLIENT_ID = r"^[!-9;-~]+$"


class ClientIn(Schema):
    """A client to be made, or what to change of one."""

    name = Name(required=True)
    client_id = Name(required=True, validate=validate.Regexp(CLIENT_ID))
    allowed_ips = Several(
        NetworkText(),
        load_default=list,
        metadata={"description": "Addresses or CIDR networks; empty: any"},
    )
    roles = Several(Name(max_length=100), load_default=list)
    scopes = Several(ma.fields.String(validate=validate.OneOf(SCOPES)), load_default=list)
    is_active = Flag(load_default=True)


class SecretOut(Schema):
    """A live secret: when it was made, not what it is."""

    id = ma.fields.UUID(required=True)
    created_at = Moment(required=True)


class ClientOut(Recorded):
    """A client."""

    name = ma.fields.String(required=True)
    client_id = ma.fields.String(required=True)
    allowed_ips = ma.fields.List(ma.fields.String(), required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    is_active = ma.fields.Boolean(required=True)
    secrets = ma.fields.List(
        ma.fields.Nested(SecretOut),
        required=True,
        metadata={"description": "The live secrets, oldest first"},
    )


class ClientIssuedOut(ClientOut):
    """A client with the secret it just got: shown this once."""

    client_secret = ma.fields.String(required=True)

    @ma.pre_dump
    def _flatten(self, issued: Issued, **_kwargs: Any) -> dict[str, Any]:
        names = ClientOut().fields
        client = {name: getattr(issued.client, name) for name in names}
        return {**client, "client_secret": issued.client_secret}


class RotateIn(Schema):
    """How to rotate."""

    drop_others = Flag(
        load_default=False,
        metadata={"description": "True: every other secret stops working at once"},
    )
