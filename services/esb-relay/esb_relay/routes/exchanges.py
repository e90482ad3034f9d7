"""`/api/esb/exchanges/`: the log of every exchange with the bus."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from common.web.single import single

from esb_relay.container import container
from esb_relay.engine.exchanges import existing_exchange, matching
from esb_relay.models import Exchange
from esb_relay.routes.locations import PREFIX
from esb_relay.schemas.exchanges import ExchangeArgs, ExchangeOut, ExchangeSummaryOut

blp = Blueprint("exchanges", __name__, url_prefix=f"{PREFIX}/exchanges")


@blp.route("/", methods=["GET"])
@blp.scope("esb:admin")
@blp.arguments(ExchangeArgs, location="query")
@blp.response(200, page_schema(ExchangeSummaryOut))
def list_exchanges(query: dict[str, Any]) -> Page[Exchange]:
    """List exchanges, newest first, without bodies."""
    wanted = matching(query.pop("wanted"))
    with container().database.reading() as session:
        return fetch_page(session, wanted, Exchange.id, **query)


@blp.route("/<uuid:exchange_id>/", methods=["GET"])
@blp.scope("esb:admin")
@blp.response(200, single(ExchangeOut))
def read_exchange(exchange_id: uuid.UUID) -> Exchange:
    """Read an exchange with everything that is on record."""
    with container().database.reading() as session:
        return existing_exchange(session, exchange_id)
