"""The service's own page, its vocabulary and its numbers."""

from datetime import timedelta
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.ids import lowest_id_at
from common.paging import Page, page_schema
from flask import current_app
from sqlalchemy import select

from notification.lookups import VOCABULARIES
from notification.messages import counts
from notification.parts import parts
from notification.routes.locations import PREFIX
from notification.schemas.index import CountOut, IndexOut, LookupsOut, MetricsArgs

blp = Blueprint("index", __name__, url_prefix=PREFIX)

USUAL_SPAN = timedelta(days=30)


@blp.route("/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, IndexOut)
def index() -> dict[str, Any]:
    """What the service is, which channels have a way out and where its addresses are."""
    addresses = {rule.rule for rule in current_app.url_map.iter_rules()}
    return {
        "ok": True,
        "service": "notification",
        "channels": sorted(parts().outbox.channels),
        "endpoints": sorted(rule for rule in addresses if rule.startswith(PREFIX)),
    }


@blp.route("/lookups/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, LookupsOut)
def list_lookups() -> dict[str, Any]:
    """All codes with their names."""
    with parts().database.reading() as session:
        found = {
            name: session.scalars(select(model).order_by(model.id)).all()
            for name, model in VOCABULARIES.items()
        }
    return {"ok": True, **found}


@blp.route("/metrics/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(MetricsArgs, location="query")
@blp.response(200, page_schema(CountOut))
def count_messages(query: dict[str, Any]) -> Page[Any]:
    """Count messages by event, channel and status."""
    since = query["since"] or utc_now() - USUAL_SPAN
    with parts().database.reading() as session:
        return Page(session.execute(counts(lowest_id_at(since))).all(), None)
