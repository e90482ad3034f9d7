"""`/api/proxy/shadow-differences/`: where another hub answered copies of calls otherwise."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema

from proxy.container import container
from proxy.models import ShadowDifference
from proxy.record.shadow_differences import differences_like
from proxy.routes.locations import PREFIX
from proxy.schemas.shadow_differences import DifferenceArgs, ShadowDifferenceOut

blp = Blueprint("shadow-differences", __name__, url_prefix=f"{PREFIX}/shadow-differences")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read")
@blp.arguments(DifferenceArgs, location="query")
@blp.response(200, page_schema(ShadowDifferenceOut))
def list_differences(query: dict[str, Any]) -> Page[ShadowDifference]:
    """List calls whose copies another hub answered otherwise, newest first."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    with container().database.reading() as session:
        return fetch_page(
            session, differences_like(**query), ShadowDifference.correlation_id, **page
        )
