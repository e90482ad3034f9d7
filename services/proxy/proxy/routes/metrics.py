"""`/api/proxy/metrics/`: calls counted per channel and hour or day."""

from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, page_schema

from proxy.container import container
from proxy.routes.locations import PREFIX
from proxy.schemas.metrics import ChannelPeriodOut, MetricsArgs
from proxy.statistics.rollups import Figures
from proxy.statistics.summary import per_channel, span

blp = Blueprint("metrics_api", __name__, url_prefix=f"{PREFIX}/metrics")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(MetricsArgs, location="query")
@blp.response(200, page_schema(ChannelPeriodOut))
@blp.doc(tags=["metrics"])
def read_metrics(query: dict[str, Any]) -> Page[Figures]:
    """Count calls and failures, with mean and 95th percentile duration; newest period first.

    All of it is in one answer: at most 14 days by hour, 366 by day.
    """
    period, database = query["by"], container().database
    since, until = span(period, query["since"], query["until"], utc_now())

    with database.reading() as session:
        return Page(per_channel(session, period, since, until, query["channel"]), None)
