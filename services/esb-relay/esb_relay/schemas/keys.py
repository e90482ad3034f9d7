"""Public keys on the wire."""

import marshmallow as ma

from esb_relay.keys.pairs import Curve, Encoding
from esb_relay.schemas.fields import Schema


class KeyOut(Schema):
    """A public key; `kid` is the beginning of `fingerprint` (SHA-256 of its SPKI DER, in hex)."""

    kid = ma.fields.String(required=True)
    role = ma.fields.String(
        required=True,
        metadata={"description": "own: we sign with it; esb: GovESB does; recipient: another's"},
    )
    curve = ma.fields.Enum(Curve, by_value=ma.fields.String, required=True)
    fingerprint = ma.fields.String(required=True)


class EncodingArgs(Schema):
    """How the key is wanted."""

    encoding = ma.fields.Enum(Encoding, by_value=ma.fields.String, load_default=Encoding.PEM)
