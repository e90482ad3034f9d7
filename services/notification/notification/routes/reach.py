"""`/api/notification/unreachable/`: people whose numbers and addresses fail for good."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from common.web.single import single

from notification.container import container
from notification.models import AddressFailure
from notification.outbox.reach import FailureFilter, matching, try_again
from notification.routes.locations import PREFIX
from notification.schemas.reach import UnreachableArgs, UnreachableOut

blp = Blueprint("unreachable", __name__, url_prefix=f"{PREFIX}/unreachable")


@blp.route("/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(UnreachableArgs, location="query")
@blp.response(200, page_schema(UnreachableOut))
def list_unreachable(query: dict[str, Any]) -> Page[AddressFailure]:
    """List addresses where messages failed for good and nothing has arrived since, newest first."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    wanted = matching(FailureFilter(**query), container().settings.skipped_after)
    with container().database.reading() as session:
        return fetch_page(session, wanted, AddressFailure.id, **page)


@blp.route("/<uuid:address_id>/try-again/", methods=["POST"])
@blp.scope("notification:admin")
@blp.response(200, single(UnreachableOut))
def try_address_again(address_id: uuid.UUID) -> AddressFailure:
    """Forget an address's failures: the next message goes there."""
    with container().database.writing() as session:
        return try_again(session, address_id)
