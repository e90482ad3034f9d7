"""`/api/proxy/roles/`: the roles of staff that are not built in. For administrators only."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.single import single
from common.web.tokens import held_scopes
from flask.views import MethodView
from sqlalchemy import select

from proxy.access import roles
from proxy.container import container
from proxy.models import CustomRole
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.roles import RoleIn, RoleOut

blp = Blueprint("roles", __name__, url_prefix=f"{PREFIX}/roles")


@blp.route("/")
class Roles(MethodView):
    """All roles that were made here."""

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(RoleOut))
    def get(self, page: dict[str, Any]) -> Page[CustomRole]:
        """List the roles of staff that were made here, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(CustomRole), CustomRole.id, **page)

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(RoleIn)
    @blp.response(201, single(RoleOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[CustomRole, dict[str, str]]:
        """Make a role of rights that you hold."""
        with container().database.writing() as session:
            role = roles.create_role(session, given, roles.held_with(held_scopes()))
        return role, location("roles", role.id)


@blp.route("/<uuid:role_id>/")
class OneRole(MethodView):
    """One role, by its `id`."""

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(200, single(RoleOut))
    def get(self, role_id: uuid.UUID) -> CustomRole:
        """Read a role."""
        with container().database.reading() as session:
            return existing(session, CustomRole, role_id)

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(RoleIn(partial=True), example={"rights": ["gateway:observe"]})
    @blp.response(200, single(RoleOut))
    def patch(self, changes: dict[str, Any], role_id: uuid.UUID) -> CustomRole:
        """Change a role, at once for all who have it."""
        with container().database.writing() as session:
            return roles.update_role(session, role_id, changes, roles.held_with(held_scopes()))

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(204)
    def delete(self, role_id: uuid.UUID) -> None:
        """Forget a role that nobody has."""
        with container().database.writing() as session:
            roles.delete_role(session, role_id, roles.held_with(held_scopes()))
