"""`/admin/mediator/tasks/`: calls that are made again as tasks, with progress."""

import uuid

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import choices, read_filters
from common.console.listing import listing
from common.console.rights import Right
from common.texts import N_, _
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.access.roles import ALL_CHANNELS
from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import write
from proxy.container import container
from proxy.errors import TaskHasEnded, UnknownRecord
from proxy.models import RerunState, RerunTask, RerunTaskCall, TaskStatus
from proxy.record import rerun_tasks
from proxy.record.transactions import TransactionFilter
from proxy.registry.records import existing
from proxy.schemas.forms import TaskCallFilter, TaskFilter

COLUMNS = (
    Column("Made", lambda task: task.created_at),
    Column("By", lambda task: task.made_by),
    Column("Status", lambda task: task.status),
    Column("Calls", lambda task: task.total),
    Column("Waiting", lambda task: task.waiting),
    Column("Under way", lambda task: task.in_hand),
    Column("Done", lambda task: task.done),
    Column("Failed", lambda task: task.failed),
    Column("Outcome unknown", lambda task: task.unknown),
    Column("Left out", lambda task: task.left_out),
    Column("Ended", lambda task: task.finished_at),
)
CALL_COLUMNS = (
    Column("Original", lambda call: call.correlation_id),
    Column("New call", lambda call: call.repeat_id),
    Column("State", lambda call: call.state),
    Column("Reason", lambda call: call.reason),
)
_ACTS = {
    "pause": (rerun_tasks.pause_task, N_("Paused. Calls that are under way still end.")),
    "resume": (rerun_tasks.resume_task, N_("The task goes on.")),
    "cancel": (rerun_tasks.cancel_task, N_("Cancelled. Calls that are under way still end.")),
}


@pages.page("/mediator/tasks/")
def tasks() -> ResponseReturnValue:
    """The tasks, newest first."""
    filters = read_filters(TaskFilter())
    wanted = matching(RerunTask, (RerunTask.made_by,), **filters.values)
    if reach.own() != ALL_CHANNELS:
        wanted = wanted.where(RerunTask.made_by_id == g.staff.staff_id)
    return listing(
        "pages/tasks.html",
        rows_of(RerunTask, wanted),
        filters,
        csv_name="tasks",
        columns=COLUMNS,
        statuses=choices(TaskStatus),
    )


@pages.page("/mediator/tasks/<uuid:task_id>/")
def task(task_id: uuid.UUID) -> ResponseReturnValue:
    """One task: how far it has come, and its calls."""
    found = read(lambda session: _own(session, task_id))
    filters = read_filters(TaskCallFilter())
    wanted = rerun_tasks.calls_of(task_id, filters.values.get("state"))

    return listing(
        "pages/task.html",
        rows_of(RerunTaskCall, wanted, RerunTaskCall.correlation_id),
        filters,
        csv_name="task",
        columns=CALL_COLUMNS,
        task=found,
        reasons=read(lambda session: rerun_tasks.reasons_of(session, task_id)),
        wanted=as_typed(TransactionFilter.of(found.filter or {})),
        states=choices(RerunState),
    )


@pages.page("/mediator/tasks/<uuid:task_id>/progress/")
def task_progress(task_id: uuid.UUID) -> ResponseReturnValue:
    """The part of the page that changes."""
    found = read(lambda session: _own(session, task_id))
    return render_template("pages/task_progress.html", task=found)


@pages.act("/mediator/tasks/<uuid:task_id>/<any(pause, resume, cancel):act>/", Right.GATEWAY_RERUN)
def move_task(task_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Pause a task, let it go on, or cancel it."""
    move, said = _ACTS[act]
    read(lambda session: _own(session, task_id))
    try:
        write(lambda session: move(session, task_id))
    except TaskHasEnded as exc:
        flash(_("%(exc)s already.", exc=exc), "bad")
    else:
        container().wake_up.send()
        flash(_(said))
    return redirect(url_for("console.task", task_id=task_id), 303)


def _own(session: Session, task_id: uuid.UUID) -> RerunTask:
    """A task. Raises UnknownRecord, as for one of others whose calls might be of any channel."""
    task = existing(session, RerunTask, task_id)
    if reach.own() != ALL_CHANNELS and task.made_by_id != g.staff.staff_id:
        raise UnknownRecord("task")
    return task


def as_typed(wanted: TransactionFilter) -> dict[str, str]:
    """A filter as the list of transactions has it in its address, where one pair stands.

    What was a word for a span of time is the span that it was then.
    """
    shown = wanted.document()
    shown.pop("channels", None)
    shown.pop("about", None)  # its digest says nothing to a person
    for name, value in shown.pop("properties", {}).items():
        shown["properties"] = f"{name}={value}"
    return shown
