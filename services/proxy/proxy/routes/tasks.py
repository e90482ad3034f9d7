"""`/api/proxy/tasks/`: many calls made again by the worker, with progress."""

import uuid
from collections.abc import Callable
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.single import single
from flask import g
from flask.views import MethodView
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.searches import check_may_search
from proxy.container import container
from proxy.models import RerunTask, RerunTaskCall
from proxy.record import rerun_tasks
from proxy.record.rerun_tasks import Order
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.tasks import TaskCallArgs, TaskCallOut, TaskIn, TaskOut

blp = Blueprint("tasks", __name__, url_prefix=f"{PREFIX}/tasks")


@blp.route("/")
class Tasks(MethodView):
    """All tasks."""

    @blp.scope("proxy:read", "proxy:transactions:rerun")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(TaskOut))
    def get(self, page: dict[str, Any]) -> Page[RerunTask]:
        """List tasks, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(RerunTask), RerunTask.id, **page)

    @blp.scope("proxy:transactions:rerun", "proxy:admin")
    @blp.arguments(TaskIn)
    @blp.response(201, single(TaskOut), headers=LOCATION)
    def post(self, order: Order) -> tuple[RerunTask, dict[str, str]]:
        """Let the worker make calls again: those of a filter, made before now, or those named.

        Each is repeated once, as a new call that points at it. Repetitions are never repeated, and
        calls that were repeated already only on demand.
        """
        check_may_search(order.wanted.about if order.wanted else None)
        with container().database.writing() as session:
            task = rerun_tasks.create_task(session, order, g.identity.subject)
        container().wake_up.send()
        return task, location("tasks", task.id)


@blp.route("/<uuid:task_id>/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions:rerun")
@blp.response(200, single(TaskOut))
def read_task(task_id: uuid.UUID) -> RerunTask:
    """Read a task: how many of its calls wait, have ended well, have failed, were left out."""
    with container().database.reading() as session:
        return existing(session, RerunTask, task_id)


@blp.route("/<uuid:task_id>/calls/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions:rerun")
@blp.arguments(TaskCallArgs, location="query")
@blp.response(200, page_schema(TaskCallOut))
def list_task_calls(query: dict[str, Any], task_id: uuid.UUID) -> Page[RerunTaskCall]:
    """List a task's calls, newest first, each with its repetition and what became of it."""
    wanted = rerun_tasks.calls_of(task_id, query.pop("state"))
    with container().database.reading() as session:
        existing(session, RerunTask, task_id)
        return fetch_page(session, wanted, RerunTaskCall.correlation_id, **query)


@blp.route("/<uuid:task_id>/pause/", methods=["POST"])
@blp.scope("proxy:transactions:rerun", "proxy:admin")
@blp.response(200, single(TaskOut))
def pause_task(task_id: uuid.UUID) -> RerunTask:
    """Make no further calls until the task is resumed; those under way end."""
    return _moved(rerun_tasks.pause_task, task_id)


@blp.route("/<uuid:task_id>/resume/", methods=["POST"])
@blp.scope("proxy:transactions:rerun", "proxy:admin")
@blp.response(200, single(TaskOut))
def resume_task(task_id: uuid.UUID) -> RerunTask:
    """Go on with a task that was paused."""
    return _moved(rerun_tasks.resume_task, task_id)


@blp.route("/<uuid:task_id>/cancel/", methods=["POST"])
@blp.scope("proxy:transactions:rerun", "proxy:admin")
@blp.response(200, single(TaskOut))
def cancel_task(task_id: uuid.UUID) -> RerunTask:
    """Make no further calls of a task for good; those under way end."""
    return _moved(rerun_tasks.cancel_task, task_id)


def _moved(act: Callable[[Session, uuid.UUID], RerunTask], task_id: uuid.UUID) -> RerunTask:
    with container().database.writing() as session:
        task = act(session, task_id)
    container().wake_up.send()
    return task
