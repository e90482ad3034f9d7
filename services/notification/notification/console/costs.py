"""`/admin/notification/costs/`: what SMS cost, by month, event and provider."""

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.forms import read_filters
from common.console.listing import listing
from common.web.paging import Page
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.console.reading import event_codes
from notification.container import container
from notification.models import SmsCost
from notification.models.costs import PARTS_OF_UNIT
from notification.outbox.costs import CostFilter, budgets, costs
from notification.schemas.costs import CostArgs

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
    filters = read_filters(CostArgs())
    with container().database.reading() as session:
        rows = [] if filters.errors else costs(session, CostFilter(**filters.values))
        of_events = budgets(session, utc_now())
    page: Page[SmsCost] = Page(rows, None)
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
    )
