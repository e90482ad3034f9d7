"""`/api/esb/relay/`: a message goes to the bus, its verified answer comes back."""

from common.api import Blueprint
from common.problems import MEDIA_TYPE
from flask import Response, g, request

from esb_relay.parts import parts
from esb_relay.relaying import correlation_id
from esb_relay.routes.locations import PREFIX
from esb_relay.routes.messages import read_message
from esb_relay.routes.raw_bodies import JSON, content
from esb_relay.schemas.relay import ExchangeProblem, RelayIn, RelayOut

blp = Blueprint("relay", __name__, url_prefix=PREFIX)

ORGANIZATION = {
    "in": "header",
    "name": "X-Organization",
    "description": "For whom the message is sent: kept in the exchange log",
    "schema": {"type": "string"},
}
PATH = f"{PREFIX}/relay/"
SCOPE = "esb:relay"
MESSAGE = {"required": True, **content({JSON: RelayIn})}


@blp.route("/relay/", methods=["POST"])
@blp.scope(SCOPE)
@blp.doc(parameters=[ORGANIZATION], requestBody=MESSAGE)
@blp.response(200, RelayOut)
@blp.alt_response(
    502, schema=ExchangeProblem, content_type=MEDIA_TYPE, description="Nothing that can be trusted"
)
@blp.alt_response(
    504, schema=ExchangeProblem, content_type=MEDIA_TYPE, description="The outcome is unknown"
)
def relay() -> Response:
    """Sign, send and verify; `body` and `esb_body` keep their spelling digit for digit.

    Normal requests are sent again, a few times, while the bus cannot be reached or is busy.
    """
    organization = request.headers.get("X-Organization", "")
    message = read_message(request.mimetype, request.get_data(), organization)
    told = parts().relay.relay(
        message,
        caller=g.identity.subject,
        correlation_id=correlation_id(),
    )
    return Response(told.text, told.status, content_type=told.media_type)
