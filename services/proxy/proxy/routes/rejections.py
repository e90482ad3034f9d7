"""`/api/proxy/rejections/`: what was refused before it became a call."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema

from proxy.container import container
from proxy.models import Rejection
from proxy.record.transactions import rejections_like
from proxy.routes.locations import PREFIX
from proxy.schemas.rejections import RejectionArgs, RejectionOut

blp = Blueprint("rejections", __name__, url_prefix=f"{PREFIX}/rejections")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(RejectionArgs, location="query")
@blp.response(200, page_schema(RejectionOut))
def list_rejections(query: dict[str, Any]) -> Page[Rejection]:
    """List refused requests, newest first: who claimed to ask for what, and why it was refused."""
    wanted = rejections_like(query.pop("client"), query.pop("path"))
    with container().database.reading() as session:
        return fetch_page(session, wanted, Rejection.correlation_id, **query)
