"""`/api/esb/relay/`: a message goes to the bus, its verified answer comes back."""

from typing import Any

from common.api import Blueprint
from common.problems import MEDIA_TYPE
from flask import Response, g, request

from esb_relay.parts import parts
from esb_relay.relaying import Message, correlation_id
from esb_relay.routes.locations import PREFIX
from esb_relay.schemas.relay import ExchangeProblem, RelayHeaders, RelayIn, RelayOut
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.json_span import members

blp = Blueprint("relay", __name__, url_prefix=PREFIX)


@blp.route("/relay/", methods=["POST"])
@blp.scope("esb:relay")
@blp.arguments(RelayHeaders, location="headers")
@blp.arguments(RelayIn)
@blp.response(200, RelayOut)
@blp.alt_response(
    502, schema=ExchangeProblem, content_type=MEDIA_TYPE, description="Nothing that can be trusted"
)
@blp.alt_response(
    504, schema=ExchangeProblem, content_type=MEDIA_TYPE, description="The outcome is unknown"
)
def relay(headers: dict[str, str], given: dict[str, Any]) -> Response:
    """Sign, send and verify; `body` and `esb_body` keep their spelling digit for digit.

    Normal requests are sent again, a few times, while the bus cannot be reached or is busy.
    """
    body = members(decode_text(request.get_data())).get("body")
    text = body.text if body is not None else None
    message = Message(**{**given, "body": text, "organization": organization(headers)})
    told = parts().relay.relay(
        message,
        caller=g.identity.subject,
        correlation_id=correlation_id(),
    )
    media_type = "application/json" if told.status == 200 else MEDIA_TYPE
    return Response(told.text, told.status, content_type=media_type)


def organization(headers: dict[str, str]) -> str | None:
    """`X-Organization`, whose bytes are UTF-8."""
    raw = headers["organization"].encode("latin-1", "replace")
    return raw.decode("utf-8", "replace") or None
