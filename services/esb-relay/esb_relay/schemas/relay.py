"""Messages for the bus on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.api import Problem
from common.web.fields import Name

from esb_relay.models import ExchangeStatus
from esb_relay.schemas.fields import AnyJson, Schema
from esb_relay.wire.terms import Format, Mode, Spelling

TO = "A kid of `keys/`, `esb` or `own`"


class RequestTerms(Schema):
    """What a request is besides its body."""

    mode = ma.fields.Enum(Mode, by_value=ma.fields.String, load_default=Mode.NORMAL)
    code = Name(
        required=True,
        metadata={"example": "DEMO-API", "description": "`apiCode`, or `pushCode` for a push"},
    )
    user_id = Name(
        load_default=None,
        allow_none=True,
        metadata={"example": "17", "description": "For mode nida"},
    )

    @ma.validates_schema
    def _nida_needs_a_user(self, given: dict[str, Any], **_kwargs: Any) -> None:
        if given.get("mode") is Mode.NIDA and not given.get("user_id"):
            raise ma.ValidationError(_("A nida request is about somebody."), "user_id")


class RelayIn(RequestTerms):
    """A message for the bus."""

    body = AnyJson(
        metadata={
            "example": {"nin": "19900101-14121-00001-23"},
            "description": "Becomes `esbBody`; without it there is none",
        }
    )
    format = ma.fields.Enum(
        Format,
        by_value=ma.fields.String,
        load_default=None,
        allow_none=True,
        metadata={"description": "How the envelope is written; `ESB_REQUEST_DATA_FORMAT` else"},
    )
    encrypt_to = Name(load_default=None, allow_none=True, metadata={"description": TO})


class RelayOut(Schema):
    """The bus's verified answer. `success` false is its business failure."""

    ok = ma.fields.Boolean(required=True)
    exchange_id = ma.fields.String(required=True)
    request_id = ma.fields.String(required=True, allow_none=True)
    success = ma.fields.Boolean(required=True)
    message = ma.fields.String(required=True, allow_none=True)
    esb_body = AnyJson(required=True)
    errors = AnyJson(required=True)
    validation_errors = AnyJson(required=True)
    verified_by = ma.fields.Enum(Spelling, by_value=ma.fields.String, required=True)


class ExchangeProblem(Problem):
    """An exchange that brought no verified answer."""

    exchange_id = ma.fields.String(required=True)
    outcome = ma.fields.Enum(ExchangeStatus, by_value=ma.fields.String, required=True)


class VerifyArgs(Schema):
    """Whose signature it should be."""

    key = Name(load_default="esb", metadata={"description": TO})


class VerdictOut(Schema):
    """Whether an envelope is valid, in which spelling, by which key; else why not."""

    ok = ma.fields.Boolean(required=True)
    valid = ma.fields.Boolean(required=True)
    verified_by = ma.fields.Enum(
        Spelling, by_value=ma.fields.String, required=True, allow_none=True
    )
    kid = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)


class EncryptArgs(Schema):
    """Who shall be able to read it."""

    to = Name(required=True, metadata={"example": "own", "description": TO})


class EncryptedOut(Schema):
    """What only the recipient can read."""

    ephemeralKey = ma.fields.String(required=True)  # noqa: N815 - the protocol's own name
    iv = ma.fields.String(required=True)
    encryptedData = ma.fields.String(required=True)  # noqa: N815
