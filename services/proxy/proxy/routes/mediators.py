"""`/api/proxy/mediators/`: the systems behind the hub."""

import uuid
from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from common.web.tokens import require_scope
from flask.views import MethodView
from sqlalchemy import select

from proxy.container import container
from proxy.models import Mediator
from proxy.openhim.installing import Installed, install_channels
from proxy.registry import mediators
from proxy.registry.mediators import Beat
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.mediators import (
    HeartbeatIn,
    HeartbeatOut,
    InstalledOut,
    InstallIn,
    MediatorIn,
    MediatorOut,
)

blp = Blueprint("mediators", __name__, url_prefix=f"{PREFIX}/mediators")
_URN = path_example("urn", "urn:mediator:example")


@blp.route("/")
class Mediators(MethodView):
    """All mediators."""

    @blp.scope("proxy:read", "proxy:mediators")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(MediatorOut))
    def get(self, page: dict[str, Any]) -> Page[Mediator]:
        """List mediators, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(Mediator), Mediator.id, **page)

    @blp.scope("proxy:mediators", "proxy:admin")
    @blp.arguments(MediatorIn)
    @blp.response(201, single(MediatorOut), headers=LOCATION)
    @blp.alt_response(200, schema=single(MediatorOut), headers=LOCATION, success=True)
    def post(self, given: dict[str, Any]) -> tuple[Mediator, int, dict[str, str]]:
        """Register a mediator: 201 a new one, 200 a known urn with an equal or higher version."""
        with container().database.writing() as session:
            registered = mediators.register(session, container().sealer, given)
        status = 201 if registered.is_new else 200
        return registered.mediator, status, location("mediators", registered.mediator.id)


@blp.route("/<uuid:mediator_id>/")
class OneMediator(MethodView):
    """One mediator, by its `id`."""

    @blp.scope("proxy:read", "proxy:mediators")
    @blp.response(200, single(MediatorOut))
    def get(self, mediator_id: uuid.UUID) -> Mediator:
        """Read a mediator."""
        with container().database.reading() as session:
            return existing(session, Mediator, mediator_id)

    @blp.if_match
    @blp.scope("proxy:mediators", "proxy:admin")
    @blp.arguments(MediatorIn(partial=True, exclude=("urn",)), example={"version": "1.1.0"})
    @blp.response(200, single(MediatorOut))
    def patch(self, changes: dict[str, Any], mediator_id: uuid.UUID) -> Mediator:
        """Change what is given of a mediator by hand; its urn stays."""
        with container().database.writing() as session:
            check_if_match(session, Mediator, id=mediator_id)
            return mediators.update_mediator(
                session, container().sealer, mediator_id, changes, utc_now()
            )

    @blp.if_match
    @blp.scope("proxy:mediators", "proxy:admin")
    @blp.response(204)
    def delete(self, mediator_id: uuid.UUID) -> None:
        """Delete a mediator that no channel leads to."""
        with container().database.writing() as session:
            check_if_match(session, Mediator, id=mediator_id)
            mediators.delete_mediator(session, mediator_id)


@blp.route("/<urn>/heartbeat/", methods=["POST"], parameters=[_URN])
@blp.scope("mediator:heartbeat:{urn}", "proxy:mediators", "proxy:admin")
@blp.arguments(HeartbeatIn, required=False)
@blp.response(200, single(HeartbeatOut))
def heartbeat(given: dict[str, Any], urn: str) -> Beat:
    """Say that a mediator lives, and for how long; the answer holds its whole configuration."""
    with container().database.writing() as session:
        return mediators.heartbeat(session, urn, given["uptime"], utc_now())


@blp.route("/<uuid:mediator_id>/channels/", methods=["POST"])
@blp.scope("proxy:channels", "proxy:admin")
@blp.arguments(InstallIn, required=False)
@blp.response(200, InstalledOut(many=True))
def install_suggested_channels(given: dict[str, Any], mediator_id: uuid.UUID) -> list[Installed]:
    """Open the channels that a mediator suggests, all or those of these names.

    One that leads to where no mediator is needs `proxy:mediators`, or `proxy:admin`, as well.
    """
    identity = require_scope("proxy:channels", "proxy:admin")
    with container().database.writing() as session:
        mediator = existing(session, Mediator, mediator_id)
        return install_channels(
            session, container().sealer, mediator, given["names"], identity.subject, identity.scopes
        )
