"""`/api/esb/keys/`: the public keys of this installation, never a private one."""

from typing import Any

from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import Page, page_schema
from flask import Response

from esb_relay.container import container
from esb_relay.keys.keyring import KnownKey
from esb_relay.keys.pairs import Encoding
from esb_relay.routes.locations import PREFIX
from esb_relay.routes.raw_bodies import BINARY, answer
from esb_relay.schemas.keys import EncodingArgs, KeyOut

blp = Blueprint("keys", __name__, url_prefix=f"{PREFIX}/keys")

_KID = path_example("kid", "3f2a9c0d1e4b5a67", "As in the list: each installation has its own")

_MEDIA_TYPES = {
    Encoding.PEM: "application/x-pem-file",
    Encoding.DER: "application/octet-stream",
    Encoding.DER_B64: "text/plain; charset=us-ascii",
}
_ANSWER = answer(
    "The key as SubjectPublicKeyInfo",
    {media_type.partition(";")[0]: BINARY for media_type in _MEDIA_TYPES.values()},
)


@blp.route("/", methods=["GET"])
@blp.scope("esb:admin")
@blp.response(200, page_schema(KeyOut))
def list_keys() -> Page[KnownKey]:
    """List what is configured: ours, GovESB's, other recipients'."""
    return Page(container().keyring.known(), None)


@blp.route("/<string:kid>/public/", methods=["GET"], parameters=[_KID])
@blp.scope("esb:admin")
@blp.arguments(EncodingArgs, location="query")
@blp.doc(responses=_ANSWER)
def read_public_key(query: dict[str, Any], kid: str) -> Response:
    """Hand a public key out."""
    encoding: Encoding = query["encoding"]
    key = container().keyring.of_kid(kid)
    return Response(key.encoded(encoding), content_type=_MEDIA_TYPES[encoding])
