"""`/api/proxy/staff/`: people who operate the hub. For administrators only."""

import uuid
from typing import Any

from common.audit.log import note_act
from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from common.web.tokens import held_scopes
from flask.views import MethodView
from sqlalchemy import select

from proxy.access import open_sessions, staff
from proxy.access.roles import held_with
from proxy.container import container
from proxy.models import StaffUser
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.staff import SessionsOut, StaffIn, StaffOut

blp = Blueprint("staff", __name__, url_prefix=f"{PREFIX}/staff")


@blp.route("/")
class Staff(MethodView):
    """All members of staff."""

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(StaffOut))
    def get(self, page: dict[str, Any]) -> Page[StaffUser]:
        """List staff, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(StaffUser), StaffUser.id, **page)

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(StaffIn)
    @blp.response(201, single(StaffOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[StaffUser, dict[str, str]]:
        """Let a member of staff in."""
        hashed, held = staff.with_hashed_password(given), held_with(held_scopes())
        with container().database.writing() as session:
            member = staff.create_staff(session, hashed, held=held)
        return member, location("staff", member.id)


@blp.route("/<uuid:member_id>/")
class OneMember(MethodView):
    """One member of staff, by its `id`."""

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(200, single(StaffOut))
    def get(self, member_id: uuid.UUID) -> StaffUser:
        """Read a member of staff."""
        with container().database.reading() as session:
            return existing(session, StaffUser, member_id)

    @blp.if_match
    @blp.scope("proxy:staff", "proxy:admin")
    @blp.arguments(StaffIn(partial=True), example={"role": "viewer"})
    @blp.response(200, single(StaffOut))
    def patch(self, changes: dict[str, Any], member_id: uuid.UUID) -> StaffUser:
        """Change what is given of a member of staff; the last administrator stays one."""
        hashed, held = staff.with_hashed_password(changes), held_with(held_scopes())
        with container().database.writing() as session:
            staff.in_turn(session)
            check_if_match(session, StaffUser, id=member_id)
            return staff.update_staff(session, member_id, hashed, held=held)

    @blp.if_match
    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(204)
    def delete(self, member_id: uuid.UUID) -> None:
        """Let a member of staff go; the last administrator stays."""
        with container().database.writing() as session:
            staff.in_turn(session)
            check_if_match(session, StaffUser, id=member_id)
            staff.delete_staff(session, member_id)


@blp.route("/<uuid:member_id>/sessions/")
class Sessions(MethodView):
    """The sessions of a member of staff."""

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(200, SessionsOut)
    def get(self, member_id: uuid.UUID) -> dict[str, Any]:
        """List the sessions that may still stand, the one seen last first."""
        settings, now = container().settings, utc_now()
        with container().database.reading() as session:
            existing(session, StaffUser, member_id)
            found = open_sessions.listed(session, member_id, settings.session_idle_minutes, now)
        return {"ok": True, "count": len(found), "data": found}

    @blp.scope("proxy:staff", "proxy:admin")
    @blp.response(204)
    def delete(self, member_id: uuid.UUID) -> None:
        """End all sessions of a member of staff: at once, in all services."""
        with container().database.writing() as session:
            member = existing(session, StaffUser, member_id)
            open_sessions.end_of(session, member_id, utc_now())
            note_act(session, "staff.session_ended", member.id, member.username)
