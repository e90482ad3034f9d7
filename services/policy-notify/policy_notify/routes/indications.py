"""`/api/policy-notification/indications/`: attempts, one by one."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from sqlalchemy import select

from policy_notify.container import container
from policy_notify.models import IndicationDetails
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.indications import IndicationArgs, IndicationOut

blp = Blueprint("indications", __name__, url_prefix=PREFIX)


@blp.route("/indications/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(IndicationArgs, location="query")
@blp.response(200, page_schema(IndicationOut))
def list_indications(query: dict[str, Any]) -> Page[IndicationDetails]:
    """List attempts, newest first: messages that were sent, and rejections with their reasons."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    wanted = select(IndicationDetails)
    for name, value in query.items():
        if value is not None:
            wanted = wanted.where(getattr(IndicationDetails, name) == value)
    with container().database.reading() as session:
        return fetch_page(session, wanted, IndicationDetails.id, **page)
