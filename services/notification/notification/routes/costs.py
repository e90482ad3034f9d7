"""`/api/notification/costs/`: what SMS cost, by month, event and provider."""

from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint

from notification.container import container
from notification.outbox.costs import CostFilter, budgets, costs, summed
from notification.routes.locations import PREFIX
from notification.schemas.costs import CostArgs, CostPage, CostReportArgs, SpentPage

blp = Blueprint("costs", __name__, url_prefix=PREFIX)


@blp.route("/costs/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(CostArgs, location="query")
@blp.response(200, CostPage)
def list_costs(query: dict[str, Any]) -> dict[str, Any]:
    """List what SMS cost, the newest month first; and this month's budgets."""
    process = container()
    with process.database.reading() as session:
        rows = costs(session, CostFilter(**query))
        of_events = budgets(session, utc_now())
    page = {"ok": True, "count": len(rows), "data": rows, "next_cursor": None}
    return {**page, "currency": process.settings.currency, "budgets": of_events}


@blp.route("/report/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(CostReportArgs, location="query")
@blp.response(200, SpentPage)
def read_sms_report(query: dict[str, Any]) -> dict[str, Any]:
    """Sum up SMS and their cost by month, event or provider; what cost most comes first."""
    by, process = query.pop("by"), container()
    with process.database.reading() as session:
        rows = summed(costs(session, CostFilter(**query)), by)
    page = {"ok": True, "count": len(rows), "data": rows, "next_cursor": None}
    return {**page, "currency": process.settings.currency}
