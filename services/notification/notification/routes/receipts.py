"""`POST /api/notification/receipts/<provider>/`: what providers report later."""

from collections.abc import Mapping
from typing import Any, cast

from common.web.api import Blueprint
from common.web.examples import EXAMPLE_ID, path_example
from flask import request

from notification.container import container
from notification.errors import ReceiptTooEarly
from notification.outbox.receiving import Effect
from notification.routes.locations import PREFIX
from notification.schemas.deliveries import ReceiptsOut
from notification.transports.receipts import parse

blp = Blueprint("receipts", __name__, url_prefix=PREFIX)

_ANY = {
    "schema": {"type": "object"},
    "example": {"reference": str(EXAMPLE_ID), "status": "DELIVERED"},
}
_BODY = {"content": {"application/json": _ANY, "application/x-www-form-urlencoded": _ANY}}


@blp.route("/receipts/<provider>/", methods=["POST"], parameters=[path_example("provider", "beem")])
@blp.public
@blp.doc(requestBody=_BODY)
@blp.response(200, ReceiptsOut)
@blp.alt_response(401, "PROBLEM_401")
def take_receipts(provider: str) -> dict[str, Any]:
    """Take a provider's delivery receipts, proved by its shared secret.

    503: one is about a message that may still be on its way; the same report again is welcome.
    """
    headers = cast(Mapping[str, str], request.headers)
    receipts = parse(provider, headers, request.get_data(), container().settings)
    effects = container().receipts.take(provider, receipts)
    if effects[Effect.EARLY]:
        raise ReceiptTooEarly
    return {"ok": True, **{str(effect): effects[effect] for effect in Effect}}
