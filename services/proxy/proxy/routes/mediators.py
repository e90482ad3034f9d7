"""`/api/proxy/mediators/`: the systems behind the hub."""

import uuid
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.paging import Page, PageArgs, fetch_page, page_schema
from flask.views import MethodView
from sqlalchemy import select

from proxy import mediators
from proxy.models import Mediator
from proxy.parts import parts
from proxy.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.mediators import HeartbeatIn, MediatorIn, MediatorOut

blp = Blueprint("mediators", __name__, url_prefix=f"{PREFIX}/mediators")


@blp.route("/")
class Mediators(MethodView):
    """All mediators."""

    @blp.scope("proxy:read")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(MediatorOut))
    def get(self, page: dict[str, Any]) -> Page[Mediator]:
        """List mediators, newest first."""
        with parts().database.reading() as session:
            return fetch_page(session, select(Mediator), Mediator.id, **page)

    @blp.scope("proxy:admin")
    @blp.arguments(MediatorIn)
    @blp.response(201, MediatorOut, headers=LOCATION)
    @blp.alt_response(200, schema=MediatorOut, headers=LOCATION, success=True)
    def post(self, given: dict[str, Any]) -> tuple[Mediator, int, dict[str, str]]:
        """Register a mediator: 201 a new one, 200 a known urn with an equal or higher version."""
        with parts().database.writing() as session:
            registered = mediators.register(session, given)
        status = 201 if registered.is_new else 200
        return registered.mediator, status, location("mediators", registered.mediator.id)


@blp.route("/<uuid:mediator_id>/")
class OneMediator(MethodView):
    """One mediator, by its `id`."""

    @blp.scope("proxy:read")
    @blp.response(200, MediatorOut)
    def get(self, mediator_id: uuid.UUID) -> Mediator:
        """Read a mediator."""
        with parts().database.reading() as session:
            return existing(session, Mediator, mediator_id)

    @blp.scope("proxy:admin")
    @blp.arguments(MediatorIn(partial=True, exclude=("urn",)))
    @blp.response(200, MediatorOut)
    def patch(self, changes: dict[str, Any], mediator_id: uuid.UUID) -> Mediator:
        """Change what is given of a mediator by hand; its urn stays."""
        with parts().database.writing() as session:
            return mediators.update_mediator(session, mediator_id, changes)

    @blp.scope("proxy:admin")
    @blp.response(204)
    def delete(self, mediator_id: uuid.UUID) -> None:
        """Delete a mediator that no channel leads to."""
        with parts().database.writing() as session:
            mediators.delete_mediator(session, mediator_id)


@blp.route("/<urn>/heartbeat/", methods=["POST"])
@blp.scope("proxy:admin")
@blp.arguments(HeartbeatIn, required=False)
@blp.response(200, MediatorOut)
def heartbeat(given: dict[str, Any], urn: str) -> Mediator:
    """Say that a mediator lives, and for how long; the answer holds its configuration."""
    with parts().database.writing() as session:
        return mediators.heartbeat(session, urn, given["uptime"], utc_now())
