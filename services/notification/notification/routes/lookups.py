"""`/api/notification/lookups/`: the codes that events, rules and messages refer to."""

from typing import Any

from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.preconditions import check_if_match
from common.web.single import single
from sqlalchemy import select

from notification.catalogue.lookups import VOCABULARIES, add_code, change_code, vocabulary
from notification.container import container
from notification.models import Lookup
from notification.routes.locations import LOCATION, PREFIX, location
from notification.schemas.index import LookupIn, LookupsOut, OneLookupOut

blp = Blueprint("lookups", __name__, url_prefix=f"{PREFIX}/lookups")

ADMIN = "notification:admin"
_KIND = {
    "in": "path",
    "name": "kind",
    "schema": {"type": "string"},
    "example": "modules",
    "description": f"{', '.join(VOCABULARIES)}, or one of these in the singular",
}
_CODE = path_example("code", "NOTIFICATION")


@blp.route("/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, single(LookupsOut))
def list_lookups() -> dict[str, Any]:
    """All codes with their names."""
    with container().database.reading() as session:
        return {
            name: session.scalars(select(model).order_by(model.id)).all()
            for name, model in VOCABULARIES.items()
        }


@blp.route("/<string:kind>/", methods=["POST"], parameters=[_KIND])
@blp.scope(ADMIN)
@blp.arguments(LookupIn)
@blp.response(201, single(OneLookupOut), headers=LOCATION)
def add_lookup(given: dict[str, Any], kind: str) -> tuple[Lookup, dict[str, str]]:
    """Add a module, a priority or an actor type of the institution's own.

    409: channels and statuses are those that this service knows.
    """
    with container().database.writing() as session:
        entry = add_code(session, kind, given)
    return entry, location(f"lookups/{kind}", entry.code)


@blp.route("/<string:kind>/<string:code>/", methods=["PATCH"], parameters=[_KIND, _CODE])
@blp.if_match
@blp.scope(ADMIN)
@blp.arguments(LookupIn(exclude=["code"], partial=True), example={"name": "Notifications"})
@blp.response(200, single(OneLookupOut))
def change_lookup(changes: dict[str, Any], kind: str, code: str) -> Lookup:
    """Change a code's name or weight; `is_active: false` takes it out of use."""
    with container().database.writing() as session:
        check_if_match(session, vocabulary(kind)[1], code=code)
        return change_code(session, kind, code, changes)
