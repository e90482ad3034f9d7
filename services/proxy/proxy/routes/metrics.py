"""`/api/proxy/metrics/`: calls counted per channel and hour or day."""

from collections.abc import Sequence
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.offload import offload_for
from common.paging import Page, page_schema

from proxy.parts import parts
from proxy.routes.locations import PREFIX
from proxy.schemas.metrics import ChannelPeriodOut, MetricsArgs
from proxy.statistics import per_channel, span
from proxy.tallies import Figures

blp = Blueprint("metrics_api", __name__, url_prefix=f"{PREFIX}/metrics")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read")
@blp.arguments(MetricsArgs, location="query")
@blp.response(200, page_schema(ChannelPeriodOut))
@blp.doc(tags=["metrics"])
def read_metrics(query: dict[str, Any]) -> Page[Figures]:
    """Count calls and failures, with mean and 95th percentile duration; newest period first.

    All of it is in one answer: at most 14 days by hour, 366 by day.
    """
    period, database = query["by"], parts().database
    since, until = span(period, query["since"], query["until"], utc_now())

    def count() -> Sequence[Figures]:
        with database.reading() as session:
            return per_channel(session, period, since, until, query["channel"])

    return Page(offload_for(database.engine)(count), None)
