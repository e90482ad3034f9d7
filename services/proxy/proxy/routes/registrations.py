"""`/api/proxy/registrations/`: organizations and their codes on the bus."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView
from sqlalchemy import select

from proxy.container import container
from proxy.models import ExternalSystemRegistration as Registration
from proxy.registry import registrations
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.registrations import RegistrationIn, RegistrationOut

blp = Blueprint("registrations", __name__, url_prefix=f"{PREFIX}/registrations")


@blp.route("/")
class Registrations(MethodView):
    """All registrations."""

    @blp.scope("proxy:read", "proxy:channels")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(RegistrationOut))
    def get(self, page: dict[str, Any]) -> Page[Registration]:
        """List registrations, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(Registration), Registration.id, **page)

    @blp.scope("proxy:channels", "proxy:admin")
    @blp.arguments(RegistrationIn)
    @blp.response(201, single(RegistrationOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Registration, dict[str, str]]:
        """Register an organization, for one channel or for all; it needs at least one code."""
        with container().database.writing() as session:
            registration = registrations.create_registration(session, given)
        return registration, location("registrations", registration.id)


@blp.route("/<uuid:registration_id>/")
class OneRegistration(MethodView):
    """One registration, by its `id`."""

    @blp.scope("proxy:read", "proxy:channels")
    @blp.response(200, single(RegistrationOut))
    def get(self, registration_id: uuid.UUID) -> Registration:
        """Read a registration."""
        with container().database.reading() as session:
            return existing(session, Registration, registration_id)

    @blp.if_match
    @blp.scope("proxy:channels", "proxy:admin")
    @blp.arguments(RegistrationIn(partial=True), example={"push_code": "DEMO-PUSH"})
    @blp.response(200, single(RegistrationOut))
    def patch(self, changes: dict[str, Any], registration_id: uuid.UUID) -> Registration:
        """Change what is given of a registration."""
        with container().database.writing() as session:
            check_if_match(session, Registration, id=registration_id)
            return registrations.update_registration(session, registration_id, changes)

    @blp.if_match
    @blp.scope("proxy:channels", "proxy:admin")
    @blp.response(204)
    def delete(self, registration_id: uuid.UUID) -> None:
        """Delete a registration."""
        with container().database.writing() as session:
            check_if_match(session, Registration, id=registration_id)
            registrations.delete_registration(session, registration_id)
