"""`/admin/mediator/shadow-differences/`: where another hub answered copies of calls otherwise."""

from common.console.csv_export import Column
from common.console.forms import choices, read_filters
from common.console.listing import listing
from common.web.paging import Page
from flask.typing import ResponseReturnValue

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.models import Difference, ShadowDifference
from proxy.record.shadow_differences import differences_like
from proxy.schemas.shadow_differences import DifferenceFilter

COLUMNS = (
    Column("Correlation id", lambda found: found.correlation_id),
    Column("Compared", lambda found: found.compared_at),
    Column("Channel", lambda found: found.channel_name),
    Column("Client", lambda found: found.client_name),
    Column("Method", lambda found: found.request_method),
    Column("Path", lambda found: found.request_url),
    Column("Difference", lambda found: found.difference),
    Column("Answer", lambda found: found.status_code),
    Column("Other answer", lambda found: found.shadow_status_code),
    Column("Type", lambda found: found.content_type),
    Column("Other type", lambda found: found.shadow_content_type),
    Column("Members that differ", lambda found: " ".join(found.members)),
    Column("Note", lambda found: found.note),
)


@pages.page("/mediator/shadow-differences/")
def shadow_differences() -> ResponseReturnValue:
    """The differences that meet the filters, newest first."""
    filters = read_filters(DifferenceFilter())
    view = reach.own().view

    def fetch(limit: int, cursor: str | None) -> Page[ShadowDifference]:
        wanted = {**filters.values, "limit": limit, "cursor": cursor}
        return read(lambda session: differences_like(session, view, **wanted))

    return listing(
        "pages/shadow_differences.html",
        fetch,
        filters,
        csv_name="shadow-differences",
        columns=COLUMNS,
        kinds=choices(Difference),
    )
