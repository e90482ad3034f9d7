"""`/api/policy-notification/families/`: who is insured."""

from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema

from policy_notify.container import container
from policy_notify.models import Family
from policy_notify.read_model.families import FamilyView, views
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.families import FamilyArgs, FamilyOut

blp = Blueprint("families", __name__, url_prefix=PREFIX)


@blp.route("/families/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(FamilyArgs, location="query")
@blp.response(200, page_schema(FamilyOut))
def list_families(query: dict[str, Any]) -> Page[FamilyView]:
    """List families with their heads and consents; ended ones are left out."""
    wanted = query.pop("wanted")
    with container().database.reading() as session:
        page = fetch_page(session, wanted.query(), Family.uuid, **query)
        return Page(views(session, list(page.data)), page.next_cursor)
