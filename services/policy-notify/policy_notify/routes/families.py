"""`/api/policy-notification/families/` and the service's own page."""

from typing import Any

from common.api import Blueprint
from common.paging import Page, fetch_page, page_schema
from flask import current_app

from policy_notify.families import FamilyView, views
from policy_notify.models import Family
from policy_notify.parts import parts
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.consent import FamilyArgs, FamilyOut
from policy_notify.schemas.index import IndexOut

blp = Blueprint("families", __name__, url_prefix=PREFIX)


@blp.route("/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, IndexOut)
def index() -> dict[str, Any]:
    """What the service is, what it sends and where its addresses are."""
    settings = parts().settings
    addresses = {rule.rule for rule in current_app.url_map.iter_rules()}
    return {
        "ok": True,
        "service": "policy-notify",
        "languages": settings.languages,
        "enabled_types": sorted(settings.eligible_types),
        "scheduled_hours": settings.hours,
        "report_rights": settings.report_rights,
        "endpoints": sorted(rule for rule in addresses if rule.startswith(PREFIX)),
    }


@blp.route("/families/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(FamilyArgs, location="query")
@blp.response(200, page_schema(FamilyOut))
def list_families(query: dict[str, Any]) -> Page[FamilyView]:
    """List families with their heads and consents; ended ones are left out."""
    wanted = query.pop("wanted")
    with parts().database.reading() as session:
        page = fetch_page(session, wanted.query(), Family.uuid, **query)
        return Page(views(session, list(page.data)), page.next_cursor)
