"""`/api/proxy/rejections/`: what was refused before it became a call."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page

from proxy.container import container
from proxy.models import Rejection
from proxy.record.rejections import rejections_like
from proxy.routes.locations import PREFIX
from proxy.schemas.rejections import RejectionArgs, RejectionPage

blp = Blueprint("rejections", __name__, url_prefix=f"{PREFIX}/rejections")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(RejectionArgs, location="query")
@blp.response(200, RejectionPage)
def list_rejections(query: dict[str, Any]) -> Page[Rejection]:
    """List refused requests, newest first: who claimed to ask for what, and why it was refused.

    A search by path reads addresses for so long; where `searched_back_to` is a time, it stopped
    there: `next_cursor` goes on.
    """
    with container().database.reading() as session:
        return rejections_like(session, **query)
