"""`/admin/notification/costs/`: what SMS cost, by month, event and provider."""

from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.forms import choices, read_filters
from common.console.listing import listing
from common.texts import _
from common.web.paging import Page
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from notification.console.blueprint import pages
from notification.console.reading import event_codes
from notification.container import container
from notification.models.costs import PARTS_OF_UNIT
from notification.outbox.costs import By, CostFilter, Spent, budgets, costs, month_of, summed
from notification.schemas.costs import CostReportArgs

CSV = (
    Column("Month", lambda row: row.month),
    Column("Event", lambda row: row.event_code),
    Column("Provider", lambda row: row.provider),
    Column("Messages", lambda row: row.messages),
    Column("Segments", lambda row: row.segments),
    Column("Cost", lambda row: row.cost / PARTS_OF_UNIT),
)


@pages.page("/costs/")
def sms_costs() -> ResponseReturnValue:
    """The costs that meet the filters, their sum, and this month's budgets."""
    filters, now = read_filters(CostReportArgs()), utc_now()
    with container().database.reading() as session:
        rows = [] if filters.errors else _spent(session, {**filters.values})
        of_events = budgets(session, now)
    page: Page[Spent] = Page(rows, None)
    return listing(
        "pages/costs.html",
        lambda _limit, _cursor: page,
        filters,
        csv_name="sms-costs",
        columns=CSV,
        total=sum(row.cost for row in rows),
        parts=PARTS_OF_UNIT,
        budgets=of_events,
        currency=container().settings.currency,
        events=event_codes(),
        kinds=choices(By),
        months=[
            (_("This month"), month_of(now)),
            (_("Last month"), month_of(now.replace(day=1) - timedelta(days=1))),
        ],
    )


def _spent(session: Session, given: dict[str, Any]) -> list[Spent]:
    by = given.pop("by")
    return summed(costs(session, CostFilter(**given)), by)
