"""`/api/proxy/shadow-differences/`: where another hub answered copies of calls otherwise."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page

from proxy.container import container
from proxy.models import ShadowDifference
from proxy.record.shadow_differences import differences_like
from proxy.routes.locations import PREFIX
from proxy.schemas.shadow_differences import DifferenceArgs, ShadowDifferencePage

blp = Blueprint("shadow-differences", __name__, url_prefix=f"{PREFIX}/shadow-differences")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read")
@blp.arguments(DifferenceArgs, location="query")
@blp.response(200, ShadowDifferencePage)
def list_differences(query: dict[str, Any]) -> Page[ShadowDifference]:
    """List calls whose copies another hub answered otherwise, newest first.

    A search by path reads addresses for so long; where `searched_back_to` is a time, it stopped
    there: `next_cursor` goes on.
    """
    with container().database.reading() as session:
        return differences_like(session, **query)
