"""`/api/proxy/report/`: how well clients were served."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.web.api import Blueprint
from common.web.fields import Moment
from common.web.paging import Page, page_schema

from proxy.container import container
from proxy.routes.locations import PREFIX
from proxy.schemas.report import ErrorArgs, ErrorKindOut, ReportArgs, ServiceLevelOut
from proxy.statistics.error_kinds import error_kinds
from proxy.statistics.service_levels import ServiceLevel, question, service_levels

blp = Blueprint("report", __name__, url_prefix=f"{PREFIX}/report")


@dataclass(frozen=True, kw_only=True)
class Levels(Page[ServiceLevel]):
    """All levels in one answer, and the span that they are of."""

    since: datetime
    until: datetime
    target_ms: float


_ANSWER = page_schema(
    ServiceLevelOut,
    since=Moment(required=True),
    until=Moment(
        required=True, metadata={"description": "The end of the last hour that is summed up"}
    ),
    target_ms=ma.fields.Float(required=True),
)


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(ReportArgs, location="query")
@blp.response(200, _ANSWER)
def read_report(query: dict[str, Any]) -> Levels:
    """Shares within a target time, failures, percentiles and times per stage, most calls first.

    By channel and client, mediator or status, of whole hours that the worker has summed up: at
    most 92 days.
    """
    with container().database.reading() as session:
        asked = question(session, now=utc_now(), **query)
        found = service_levels(session, asked)
    return Levels(found.data, None, since=asked.since, until=asked.until, target_ms=asked.target_ms)


@blp.route("/errors/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(ErrorArgs, location="query")
@blp.response(200, page_schema(ErrorKindOut, since=Moment(required=True)))
def read_error_kinds(query: dict[str, Any]) -> dict[str, Any]:
    """Count failed calls by channel and the shape of their error; kinds that are new come first."""
    with container().database.reading() as session:
        since, found = error_kinds(session, query["since"], query["until"], utc_now())
    return {"ok": True, "count": len(found), "data": found, "next_cursor": None, "since": since}
