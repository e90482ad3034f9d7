"""`/api/policy-notification/`: the service's own page."""

from typing import Any

from common.web.api import Blueprint
from flask import current_app

from policy_notify.container import container
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.index import IndexOut

blp = Blueprint("index", __name__, url_prefix=PREFIX)


@blp.route("/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, IndexOut)
def index() -> dict[str, Any]:
    """What the service is, what it sends and where its addresses are."""
    settings = container().settings
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
