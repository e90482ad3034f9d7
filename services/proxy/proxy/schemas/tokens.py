"""The token endpoint on the wire, in the words of RFC 6749 and RFC 7517."""

import marshmallow as ma


class TokenOut(ma.Schema):
    """RFC 6749 §5.1."""

    access_token = ma.fields.String(required=True)
    token_type = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True, metadata={"description": "Seconds"})
    scope = ma.fields.String(required=True)


class TokenErrorOut(ma.Schema):
    """RFC 6749 §5.2."""

    error = ma.fields.String(required=True)
    error_description = ma.fields.String(required=True)


class JwksOut(ma.Schema):
    """RFC 7517 §5."""

    keys = ma.fields.List(ma.fields.Dict(), required=True)
