"""`/admin/mediator/report/`: how well clients were served, per channel."""

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.forms import Form, choices, read_filters
from common.console.listing import listing
from common.errors import Invalid
from common.web.paging import Page
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.schemas.report import ReportArgs
from proxy.statistics.service_levels import By, ServiceLevel, ServiceReport, service_report

COLUMNS = (
    Column("Channel", lambda one: one.channel),
    Column("Client", lambda one: one.client),
    Column("Calls", lambda one: one.count),
    Column("Failures", lambda one: one.failures),
    Column("With errors", lambda one: one.completed_with_errors),
    Column("Share within target", lambda one: one.within),
    Column("Mean (ms)", lambda one: one.mean_ms),
    Column("p50 (ms)", lambda one: one.p50_ms),
    Column("p95 (ms)", lambda one: one.p95_ms),
    Column("Match (ms)", lambda one: one.match_ms),
    Column("Store (ms)", lambda one: one.store_ms),
    Column("Upstream (ms)", lambda one: one.upstream_ms),
)


@pages.page("/mediator/report/")
def report() -> ResponseReturnValue:
    """Shares within the target, failures, percentiles, times per stage; most calls first."""
    filters, found = _report(read_filters(ReportArgs()))
    levels: list[ServiceLevel] = found.levels if found else []
    return listing(
        "pages/report.html",
        lambda _limit, _cursor: Page(levels, None),
        filters,
        csv_name="service-levels",
        columns=COLUMNS,
        report=found,
        kinds=choices(By),
    )


def _report(filters: Form) -> tuple[Form, ServiceReport | None]:
    if filters.errors:
        return filters, None

    def query(session: Session) -> ServiceReport:
        view = reach.own().view
        return service_report(session, now=utc_now(), **filters.values, channels=view)

    try:
        return filters, read(query)
    except Invalid as exc:
        return filters.refused(exc.errors), None
