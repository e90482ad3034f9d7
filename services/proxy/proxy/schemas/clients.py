"""Clients on the wire. Secrets are answered once, when they are made; hashes never."""

from typing import Any

import marshmallow as ma
from common.texts import N_, _
from common.web.fields import Flag, Integer, Line, Moment, Name, Tag, Text
from marshmallow import validate

from proxy.access.certificates import binding
from proxy.access.clients import Issued
from proxy.access.scopes import HEARTBEAT, SCOPES, is_scope
from proxy.registry.mediators import URN
from proxy.schemas.fields import NetworkText, Positive, Recorded, Schema, Several

#: What fits HTTP Basic and a header: printable ASCII without spaces and colons.
MOST_CALLS = 1_000_000
CLIENT_ID = r"^[!-9;-~]+$"
PRINTABLE = r"^[!-~]+$"


def chosen_secret() -> Line:
    """The field of a secret that the caller chose: kept as a slow hash, never answered."""
    return Line(
        min_length=1,
        max_length=1024,
        load_only=True,
        metadata={
            "description": "A secret that the client has already; it is not answered. Without it"
            " one is made",
            "format": "password",
        },
    )


class Scope(Name):
    """The name of a scope."""

    def __init__(self) -> None:
        names = "|".join(SCOPES)
        super().__init__(metadata={"pattern": f"^({names}|{HEARTBEAT}{URN.strip('^$')})$"})

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        if not is_scope(text):
            raise ma.ValidationError(
                _(
                    "Must be one of: %(value)s, %(HEARTBEAT)s<urn>.",
                    value=", ".join(SCOPES),
                    HEARTBEAT=HEARTBEAT,
                )
            )
        return text


class CertificateName(Name):
    """A certificate's fingerprint or subject."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            return binding(text)
        except ValueError as exc:
            words = "Must be a SHA-256 fingerprint, or a subject like CN=clinic,O=Health."
            raise ma.ValidationError(words) from exc


class ClientIn(Schema):
    """A client to be made, or what to change of one."""

    name = Name(required=True, metadata={"example": "District hospital"})
    client_id = Name(
        required=True,
        validate=validate.Regexp(CLIENT_ID),
        metadata={"example": "district-hospital"},
    )
    allowed_ips = Several(
        NetworkText(),
        load_default=list,
        metadata={"description": "Addresses or CIDR networks; empty: any"},
    )
    roles = Several(Name(max_length=100), load_default=list)
    scopes = Several(
        Scope(),
        load_default=list,
        metadata={
            "description": f"Of {', '.join(SCOPES)}, and `{HEARTBEAT}<urn>` for the heartbeats of"
            " one mediator. Nobody gives what they do not hold.",
            "example": ["proxy:transactions"],
        },
    )
    certificates = Several(
        CertificateName(max_length=1000),
        load_default=list,
        metadata={
            "description": "Certificates that stand for a secret, over TLS with"
            " `KIUNGO_TLS_CLIENT_CA`: SHA-256 fingerprints, or subjects (RFC 4514)",
            "example": ["CN=clinic,O=Ministry of Health"],
        },
    )
    custom_token = Text(
        min_length=8,
        max_length=1024,
        allow_none=True,
        load_only=True,
        validate=validate.Regexp(PRINTABLE, error=N_("Must be printable ASCII without spaces.")),
        metadata={
            "description": "What the client sends as `Authorization: Custom …`, never answered;"
            " null: none",
            "format": "password",
        },
    )
    max_rate = Positive(
        most=MOST_CALLS,
        metadata={"description": "Most calls a second; null: `CLIENT_MAX_RATE`"},
    )
    max_concurrent = Integer(
        low=1,
        high=MOST_CALLS,
        load_default=None,
        allow_none=True,
        metadata={"description": "Most calls at a time; null: `CLIENT_MAX_CONCURRENT`"},
    )
    is_active = Flag(load_default=True)


class NewClientIn(ClientIn):
    """A client to be made."""

    client_secret = chosen_secret()


class SecretOut(Schema):
    """A live secret: when it was made and used, not what it is."""

    id = ma.fields.UUID(required=True)
    created_at = Moment(required=True)
    last_used_at = Moment(
        required=True, allow_none=True, metadata={"description": "To within a minute; null: never"}
    )


class ClientOut(Recorded):
    """A client."""

    etag = Tag()
    name = ma.fields.String(required=True)
    client_id = ma.fields.String(required=True)
    allowed_ips = ma.fields.List(ma.fields.String(), required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    certificates = ma.fields.List(ma.fields.String(), required=True)
    max_rate = ma.fields.Float(required=True, allow_none=True)
    max_concurrent = ma.fields.Integer(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)
    has_custom_token = ma.fields.Boolean(
        required=True, metadata={"description": "Whether `Authorization: Custom …` can mean it"}
    )
    may_log_in_by_token = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether it can log in as older mediators of OpenHIM do"},
    )
    secrets = ma.fields.List(
        ma.fields.Nested(SecretOut),
        required=True,
        metadata={"description": "The live secrets, oldest first"},
    )


class ClientIssuedOut(ClientOut):
    """A client with the secret it just got: shown this once."""

    client_secret = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null where the caller chose it"},
    )

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
    client_secret = chosen_secret()
