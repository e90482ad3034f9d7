"""The service's own page and its numbers."""

from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.ids import lowest_id_at
from common.web.api import Blueprint
from flask import current_app

from notification.container import container
from notification.outbox.messages import counts
from notification.outbox.receiving import unknown_words
from notification.outbox.transports import in_trouble
from notification.routes.locations import PREFIX
from notification.schemas.index import CountPage, IndexOut, MetricsArgs

blp = Blueprint("index", __name__, url_prefix=PREFIX)

USUAL_SPAN = timedelta(days=30)


@blp.route("/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, IndexOut)
def index() -> dict[str, Any]:
    """What the service is, which channels have a transport, which are in trouble, its addresses."""
    with container().database.reading() as session:
        troubled = in_trouble(session)
    addresses = {rule.rule for rule in current_app.url_map.iter_rules()}
    return {
        "ok": True,
        "service": "notification",
        "status": "ok",
        "channels": sorted(container().outbox.channels),
        "troubled_transports": troubled,
        "endpoints": sorted(rule for rule in addresses if rule.startswith(PREFIX)),
    }


@blp.route("/metrics/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(MetricsArgs, location="query")
@blp.response(200, CountPage)
def count_messages(query: dict[str, Any]) -> dict[str, Any]:
    """Count messages by event, channel and status; name the transports that are in trouble."""
    since = query["since"] or utc_now() - USUAL_SPAN
    with container().database.reading() as session:
        rows = session.execute(counts(lowest_id_at(since))).all()
        return {"ok": True, "count": len(rows), "data": rows, "next_cursor": None} | {
            "troubled_transports": in_trouble(session),
            "unknown_receipt_words": unknown_words(session),
        }
