"""`/api/esb/inbound/<route>`: the bus calls. Its signature is its authentication."""

from common.api import Blueprint
from flask import Response, request

from esb_relay.engine.client import CONTENT_TYPES
from esb_relay.parts import parts
from esb_relay.relaying import correlation_id
from esb_relay.routes.locations import PREFIX
from esb_relay.routes.raw_bodies import ENVELOPES, answer, content

blp = Blueprint("inbound", __name__, url_prefix=PREFIX, description="Calls of the bus")


@blp.route("/inbound/<string:route>/", methods=["POST"])
@blp.doc(requestBody=content(ENVELOPES), responses=answer("The signed answer", ENVELOPES))
def receive(route: str) -> Response:
    """Take a signed call of the bus; whatever is an envelope gets a signed answer with 200.

    The first answer to a `requestId` is given to every repeated delivery; its target runs once.
    """
    reply = parts().receiver.receive(route, request.get_data(), correlation_id())
    return Response(reply.envelope, content_type=CONTENT_TYPES[reply.format])
