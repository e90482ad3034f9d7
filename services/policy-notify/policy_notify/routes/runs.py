"""`/api/policy-notification/runs/`: what the scheduler did, and a run by hand."""

import uuid
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.paging import Page, PageArgs, fetch_page, page_schema
from flask import g
from flask.views import MethodView
from sqlalchemy import select

from policy_notify.errors import UnknownRecord
from policy_notify.models import Run
from policy_notify.parts import parts
from policy_notify.routes.locations import PREFIX
from policy_notify.runs import request_run
from policy_notify.schemas.runs import RunIn, RunOut

blp = Blueprint("runs", __name__, url_prefix=f"{PREFIX}/runs")


@blp.route("/")
class Runs(MethodView):
    """All runs."""

    @blp.scope("policy:read")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(RunOut))
    def get(self, page: dict[str, Any]) -> Page[Run]:
        """List runs, newest first."""
        with parts().database.reading() as session:
            return fetch_page(session, select(Run), Run.id, **page)

    @blp.scope("policy:write")
    @blp.arguments(RunIn)
    @blp.response(202, RunOut)
    def post(self, given: dict[str, Any]) -> Run:
        """Ask for a run; a worker carries it out as soon as no other run is on."""
        today = utc_now().astimezone(parts().settings.scheme_timezone).date()
        with parts().database.writing() as session:
            run = request_run(session, given["date"] or today, g.identity.subject)
        parts().bell.ring()
        return run


@blp.route("/<uuid:run_id>/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, RunOut)
def read_run(run_id: uuid.UUID) -> Run:
    """Read a run."""
    with parts().database.reading() as session:
        run = session.get(Run, run_id)
    if run is None:
        raise UnknownRecord("run")
    return run
