"""The page `Audit` of a service's console, and its list in the API."""

from typing import Any

from flask.typing import ResponseReturnValue

from common.audit.log import audit_log
from common.audit.search import AuditArgs, AuditEventOut, AuditFilter, matching
from common.console.csv_export import Column
from common.console.forms import read_filters
from common.console.listing import listing
from common.console.pages import Pages
from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema

COLUMNS = tuple(
    Column(name.replace("_", " ").capitalize(), lambda event, name=name: getattr(event, name))  # type: ignore[misc]
    for name in AuditEventOut().fields
)


def add_audit_page(pages: Pages, rule: str) -> None:
    """Add the page to a console, for those who hold its right."""

    @pages.page(rule, f"{pages.area}:audit")
    def audit() -> ResponseReturnValue:
        """The acts that meet the filters, newest first."""
        filters = read_filters(AuditFilter())
        return listing(
            "console/audit.html",
            lambda limit, cursor: _found(filters.values, limit, cursor),
            filters,
            csv_name="audit",
            columns=COLUMNS,
        )


def audit_blueprint(prefix: str, scope: str) -> Blueprint:
    """The list `<prefix>/audit/`, for tokens with `scope`."""
    blp = Blueprint("audit", __name__, url_prefix=f"{prefix}/audit", description="Who did what")

    @blp.route("/", methods=["GET"])
    @blp.scope(scope)
    @blp.arguments(AuditArgs, location="query")
    @blp.response(200, page_schema(AuditEventOut))
    def list_audit_events(query: dict[str, Any]) -> Page[Any]:
        """List the acts of staff, clients and commands, newest first."""
        return _found(query, query.pop("limit"), query.pop("cursor"))

    return blp


def _found(wanted: Any, limit: int, cursor: str | None) -> Page[Any]:
    log = audit_log()
    with log.database.reading() as session:
        query = matching(log.tables, **wanted)
        return fetch_page(session, query, log.tables.events.id, limit=limit, cursor=cursor)
