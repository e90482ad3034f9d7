"""`/api/policy-notification/runs/`: what the scheduler did, and a run by hand."""

import uuid
from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.single import single
from flask import g
from flask.views import MethodView
from sqlalchemy import select

from policy_notify.container import container
from policy_notify.models import Run
from policy_notify.read_model.existing import existing
from policy_notify.routes.locations import PREFIX
from policy_notify.runs.lifecycle import request_run
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
        with container().database.reading() as session:
            return fetch_page(session, select(Run), Run.id, **page)

    @blp.scope("policy:write")
    @blp.arguments(RunIn)
    @blp.response(202, single(RunOut))
    def post(self, given: dict[str, Any]) -> Run:
        """Ask for a run; a worker carries it out as soon as no other run is on."""
        today = utc_now().astimezone(container().settings.scheme_timezone).date()
        with container().database.writing() as session:
            run = request_run(session, given["date"] or today, g.identity.subject)
        container().wake_up.send()
        return run


@blp.route("/<uuid:run_id>/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, single(RunOut))
def read_run(run_id: uuid.UUID) -> Run:
    """Read a run."""
    with container().database.reading() as session:
        return existing(session, Run, run_id)
