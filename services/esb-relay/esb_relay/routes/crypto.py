"""`/api/esb/sign/`, `verify/`, `encrypt/`, `decrypt/`: the protocol's container, each by itself."""

from typing import Any

from common.web.api import Blueprint
from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from esb_relay.container import container
from esb_relay.engine.client import CONTENT_TYPES
from esb_relay.keys.signing import signed_request, verdict
from esb_relay.routes.locations import PREFIX
from esb_relay.routes.raw_bodies import (
    ANYTHING,
    BINARY,
    BODY_EXAMPLES,
    BYTES,
    BYTES_EXAMPLES,
    ENVELOPE_EXAMPLES,
    ENVELOPES,
    JSON,
    XML,
    answer,
    content,
)
from esb_relay.schemas.relay import (
    EncryptArgs,
    EncryptedOut,
    RequestTerms,
    VerdictOut,
    VerifyArgs,
)
from esb_relay.wire import ecies
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.terms import Format

_ENCRYPTED = {"ephemeralKey": "BA==", "iv": "AAAAAAAAAAAAAAAA", "encryptedData": "AA=="}

blp = Blueprint("crypto", __name__, url_prefix=PREFIX, description="Signing, encryption")


@blp.route("/sign/", methods=["POST"])
@blp.scope("esb:crypto")
@blp.arguments(RequestTerms, location="query")
@blp.doc(
    requestBody=content({JSON: ANYTHING, XML: BINARY}, BODY_EXAMPLES),
    responses=answer("The signed envelope", ENVELOPES),
)
def sign(terms: dict[str, Any]) -> Response:
    """Sign a raw `esbBody` (JSON or XML by content type): the envelope, as it would be sent."""
    format_ = _format()
    envelope = signed_request(
        container().keyring,
        terms["mode"],
        terms["code"],
        request.get_data(),
        format_,
        terms["user_id"],
    )
    return Response(envelope, content_type=CONTENT_TYPES[format_])


@blp.route("/verify/", methods=["POST"])
@blp.scope("esb:crypto")
@blp.doc(
    requestBody=content(
        dict.fromkeys((JSON, XML, BYTES), BINARY), {**ENVELOPE_EXAMPLES, BYTES: "any bytes"}
    )
)
@blp.arguments(VerifyArgs, location="query")
@blp.response(200, VerdictOut)
def verify(query: dict[str, Any]) -> dict[str, Any]:
    """Check a raw envelope; always 200 for anything that was read."""
    return verdict(container().keyring, request.get_data(), query["key"])


@blp.route("/encrypt/", methods=["POST"])
@blp.scope("esb:crypto")
@blp.doc(requestBody=content(dict.fromkeys((BYTES, JSON, XML), BINARY), BYTES_EXAMPLES))
@blp.arguments(EncryptArgs, location="query")
@blp.response(200, EncryptedOut)
def encrypt(query: dict[str, Any]) -> Response:
    """Encrypt raw bytes for one recipient."""
    recipient = container().keyring.named(query["to"], field="to")
    return Response(ecies.encrypt(request.get_data(), recipient), content_type=JSON)


@blp.route("/decrypt/", methods=["POST"])
@blp.scope("esb:crypto")
@blp.doc(
    requestBody=content({JSON: EncryptedOut}, {JSON: _ENCRYPTED}),
    responses=answer("The bytes", {BYTES: BINARY}),
)
def decrypt() -> Response:
    """Decrypt what was encrypted for us: the raw bytes."""
    plain = ecies.decrypt(decode_text(request.get_data()), container().keyring.private_key())
    return Response(plain, content_type=BYTES)


def _format() -> Format:
    """JSON or XML by content type; the installation's own where nothing says so."""
    media_type = request.mimetype
    if media_type.endswith(("/json", "+json")):
        return Format.JSON
    if media_type.endswith(("/xml", "+xml")):
        return Format.XML
    if request.get_data():
        raise UnsupportedMediaType(f"The body must be {JSON} or {XML}")
    return Format(container().settings.data_format)
