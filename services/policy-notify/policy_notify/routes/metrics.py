"""`/api/policy-notification/metrics/`: attempts, counted."""

from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.ids import lowest_id_at
from common.web.api import Blueprint
from common.web.paging import Page, page_schema
from sqlalchemy import func, select

from policy_notify.container import container
from policy_notify.models import IndicationDetails
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.metrics import CountOut, MetricsArgs

blp = Blueprint("metrics_api", __name__, url_prefix=PREFIX)

USUAL_SPAN = timedelta(days=30)


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
    with container().database.reading() as session:
        return Page(session.execute(counted).all(), None)
