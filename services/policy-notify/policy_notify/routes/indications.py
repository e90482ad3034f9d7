"""Attempts, one by one and counted."""

from datetime import timedelta
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.ids import lowest_id_at
from common.paging import Page, fetch_page, page_schema
from sqlalchemy import func, select

from policy_notify.models import IndicationDetails
from policy_notify.parts import parts
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.runs import CountOut, IndicationArgs, IndicationOut, MetricsArgs

blp = Blueprint("indications", __name__, url_prefix=PREFIX)

USUAL_SPAN = timedelta(days=30)


@blp.route("/indications/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(IndicationArgs, location="query")
@blp.response(200, page_schema(IndicationOut))
def list_indications(query: dict[str, Any]) -> Page[IndicationDetails]:
    """List attempts, newest first: messages that were sent, and refusals with their reasons."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    wanted = select(IndicationDetails)
    for name, value in query.items():
        if value is not None:
            wanted = wanted.where(getattr(IndicationDetails, name) == value)
    with parts().database.reading() as session:
        return fetch_page(session, wanted, IndicationDetails.id, **page)


@blp.route("/metrics/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(MetricsArgs, location="query")
@blp.response(200, page_schema(CountOut))
def count_attempts(query: dict[str, Any]) -> Page[Any]:
    """Count attempts by type and status."""
    since = query["since"] or utc_now() - USUAL_SPAN
    details = IndicationDetails
    group = (details.type, details.status)
    counted = (
        select(*group, func.count().label("count"))
        .where(details.id >= lowest_id_at(since))
        .group_by(*group)
        .order_by(*group)
    )
    with parts().database.reading() as session:
        return Page(session.execute(counted).all(), None)
