"""`/api/esb/routes/`: where the calls of the bus go."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView
from sqlalchemy import select

from esb_relay.callbacks import routes as callback_routes
from esb_relay.container import container
from esb_relay.models import CallbackRoute
from esb_relay.routes.locations import LOCATION, PREFIX, location
from esb_relay.schemas.callbacks import RouteIn, RouteOut

blp = Blueprint("routes", __name__, url_prefix=f"{PREFIX}/routes")


@blp.route("/")
class CallbackRoutes(MethodView):
    """All routes."""

    @blp.scope("esb:admin")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(RouteOut))
    def get(self, page: dict[str, Any]) -> Page[CallbackRoute]:
        """List routes, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(CallbackRoute), CallbackRoute.id, **page)

    @blp.scope("esb:admin")
    @blp.arguments(RouteIn)
    @blp.response(201, single(RouteOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[CallbackRoute, dict[str, str]]:
        """Open a route for the bus."""
        with container().database.writing() as session:
            route = callback_routes.create_route(session, given)
        return route, location("routes", route.id)


@blp.route("/<uuid:route_id>/")
class OneCallbackRoute(MethodView):
    """One route, by its `id`."""

    @blp.scope("esb:admin")
    @blp.response(200, single(RouteOut))
    def get(self, route_id: uuid.UUID) -> CallbackRoute:
        """Read a route."""
        with container().database.reading() as session:
            return callback_routes.existing_route(session, route_id)

    @blp.if_match
    @blp.scope("esb:admin")
    @blp.arguments(RouteIn(partial=True), example={"description": "Births of the registry"})
    @blp.response(200, single(RouteOut))
    def patch(self, changes: dict[str, Any], route_id: uuid.UUID) -> CallbackRoute:
        """Change what is given of a route."""
        with container().database.writing() as session:
            check_if_match(session, CallbackRoute, id=route_id)
            return callback_routes.update_route(session, route_id, changes)

    @blp.if_match
    @blp.scope("esb:admin")
    @blp.response(204)
    def delete(self, route_id: uuid.UUID) -> None:
        """Close a route."""
        with container().database.writing() as session:
            check_if_match(session, CallbackRoute, id=route_id)
            callback_routes.delete_route(session, route_id)
