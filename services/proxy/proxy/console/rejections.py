"""`/admin/mediator/rejections/`: what was refused before it became a call, and why."""

from common.console.csv_export import Column
from common.console.forms import read_filters
from common.console.listing import listing
from common.web.paging import Page
from flask.typing import ResponseReturnValue

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.models import Rejection
from proxy.record.rejections import rejections_like
from proxy.schemas.rejections import RejectionFilter


def _why_not_matched(refused: Rejection) -> str:
    nearest = refused.nearest or []
    return "; ".join(f"{channel['channel']}: {channel['why_not']}" for channel in nearest)


COLUMNS = (
    Column("Correlation id", lambda refused: refused.correlation_id),
    Column("Refused", lambda refused: refused.rejected_at),
    Column("Answer", lambda refused: refused.status_code),
    Column("Reason", lambda refused: refused.reason),
    Column("Method", lambda refused: refused.request_method),
    Column("Path", lambda refused: refused.request_path),
    Column("Claimed client", lambda refused: refused.client_claimed),
    Column("Address", lambda refused: refused.client_address),
    Column("Why not matched", _why_not_matched),
)


@pages.page("/mediator/rejections/")
def rejections() -> ResponseReturnValue:
    """The refused requests that meet the filters, newest first; they are of no channel."""
    reach.check_every_channel()
    filters = read_filters(RejectionFilter())
    client, path = filters.values.get("client"), filters.values.get("path")

    def fetch(limit: int, cursor: str | None) -> Page[Rejection]:
        return read(
            lambda session: rejections_like(session, client, path, limit=limit, cursor=cursor)
        )

    return listing("pages/rejections.html", fetch, filters, csv_name="rejections", columns=COLUMNS)
