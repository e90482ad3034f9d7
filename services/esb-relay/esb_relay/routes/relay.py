"""`/api/esb/relay/`: a message goes to the bus, its verified answer comes back.

Described here, served by the gateway's process (`esb_relay.gateway`).
"""

from common.web.descriptions import describe
from common.web.examples import body_example
from common.web.problems import MEDIA_TYPE
from flask_smorest import Api

from esb_relay.routes.locations import PREFIX
from esb_relay.routes.raw_bodies import JSON, content
from esb_relay.schemas.relay import ExchangeProblem, RelayIn, RelayOut

SCOPE = "esb:relay"
ORGANIZATION = {
    "in": "header",
    "name": "X-Organization",
    "description": "For whom the message is sent: kept in the exchange log",
    "schema": {"type": "string"},
    "example": "DEMO",
}
_PROBLEM = content({MEDIA_TYPE: ExchangeProblem})


def describe_relay(api: Api) -> None:
    """Put the operation into the document."""
    api.spec.tag({"name": "relay"})
    describe(
        api,
        f"{PREFIX}/relay/",
        "post",
        {
            "operationId": "relay",
            "tags": ["relay"],
            "summary": "Sign, send and verify; `body` and `esb_body` keep their spelling.",
            "description": "Digit for digit. Normal requests are sent again, a few times, while "
            "the bus cannot be reached or is busy.",
            "security": [{"client_credentials": [SCOPE]}],
            "parameters": [ORGANIZATION],
            "requestBody": {
                "required": True,
                **content({JSON: RelayIn}, {JSON: body_example(RelayIn())}),
            },
            "responses": {
                "200": {"description": "OK", **content({JSON: RelayOut})},
                "502": {"description": "Nothing that can be trusted", **_PROBLEM},
                "504": {"description": "The outcome is unknown", **_PROBLEM},
            },
        },
        problems=(400, 401, 403, 404, 413, 415, 422, 429, 503),
    )
