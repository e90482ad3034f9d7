"""`/api/esb/inbound/<route>`: the bus calls. Its signature is its authentication.

Described here, served by the gateway's process (`esb_relay.gateway`).
"""

from common.web.descriptions import describe
from common.web.examples import path_example
from flask_smorest import Api

from esb_relay.routes.locations import PREFIX
from esb_relay.routes.raw_bodies import ENVELOPE_EXAMPLES, ENVELOPES, answer, content


def describe_inbound(api: Api) -> None:
    """Put the operation into the document."""
    api.spec.tag({"name": "inbound", "description": "Calls of the bus"})
    describe(
        api,
        f"{PREFIX}/inbound/<string:route>/",
        "post",
        {
            "operationId": "take_call",
            "tags": ["inbound"],
            "summary": "Take a signed call of the bus; an envelope gets a signed answer with 200.",
            "description": "The first answer to a `requestId` is given to every repeated delivery; "
            "its target runs once.",
            "requestBody": content(ENVELOPES, ENVELOPE_EXAMPLES),
            "responses": answer("The signed answer", ENVELOPES),
        },
        problems=(400, 404, 413, 415, 422, 429, 503),
        parameters=[path_example("route", "births")],
    )
