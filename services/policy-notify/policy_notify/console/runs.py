"""`/admin/policy-notification/runs/`: what the runs did, a run by hand, and a rehearsal."""

import uuid
from datetime import date
from functools import partial
from http import HTTPStatus
from itertools import islice

from common.clock import utc_now
from common.console.csv_export import Column, csv_answer
from common.console.flashes import flash
from common.console.forms import choices, read_filters
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Invalid
from common.gsm7 import measure
from common.texts import _
from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from policy_notify.console.blueprint import pages
from policy_notify.console.reading import rows_of
from policy_notify.container import container
from policy_notify.models import NotificationType, Run, RunStatus
from policy_notify.read_model.existing import existing
from policy_notify.runs.lifecycle import request_run
from policy_notify.runs.running import rehearse
from policy_notify.runs.schedule import checked_day
from policy_notify.runs.summary import summarise
from policy_notify.schemas import forms

#: So many messages of a dry run are on its page; the download has all.
DRY_RUN_SHOWN = 200

COUNTS = ("found", "eligible", "sent", "failed")


def _count(name: str, run: Run) -> int | None:
    """One of a run's counts, once it has ended."""
    return run.summary[name] if run.summary else None


COLUMNS = (
    Column("Id", lambda run: run.id),
    Column("Asked for", lambda run: run.created_at),
    Column("For", lambda run: run.run_date),
    Column("By", lambda run: run.requested_by),
    Column("Status", lambda run: run.status),
    Column("Started", lambda run: run.started_at),
    Column("Ended", lambda run: run.ended_at),
    *(Column(name.capitalize(), partial(_count, name)) for name in COUNTS),
)
DRY_RUN_COLUMNS = (
    Column("Type", lambda verdict: verdict.candidate.type),
    Column("Policy", lambda verdict: verdict.candidate.policy),
    Column("Date", lambda verdict: verdict.candidate.event_date),
    Column("CHF ID", lambda verdict: verdict.candidate.chf_id),
    Column("To", lambda verdict: None if verdict.rejection else verdict.candidate.recipient),
    Column("Language", lambda verdict: verdict.language),
    Column("Segments", lambda verdict: verdict.message and measure(verdict.message).segments),
    Column("Message", lambda verdict: verdict.message),
    Column("Rejected", lambda verdict: verdict.rejection and verdict.rejection.reason),
)


@pages.page("/runs/")
def runs() -> ResponseReturnValue:
    """The runs that meet the filters, newest first."""
    filters = read_filters(forms.RunFilter())
    return listing(
        "pages/runs.html",
        rows_of(lambda: select(Run).filter_by(**filters.values), Run.id),
        filters,
        csv_name="runs",
        columns=COLUMNS,
        statuses=choices(RunStatus),
        counts=COUNTS,
        count=_count,
    )


@pages.act("/runs/", StaffRole.OPERATOR)
def ask_for_run() -> ResponseReturnValue:
    """Ask for today's run; a worker carries it out as soon as no other run is on."""
    with container().database.writing() as session:
        run = request_run(session, _today(), g.staff.name)
    container().wake_up.send()
    flash(_("The run is asked for; it begins as soon as no other run is on."))
    return redirect(url_for("console.run", run_id=run.id), 303)


@pages.page("/runs/<uuid:run_id>/")
def run(run_id: uuid.UUID) -> ResponseReturnValue:
    """One run with its counts; while it is on, those so far."""
    with container().database.reading() as session:
        found = existing(session, Run, run_id)
        summary = found.summary or summarise(session, run_id)
    return render_template("pages/run.html", run=found, summary=summary, counts=COUNTS)


@pages.page("/runs/dry/", StaffRole.OPERATOR)
def dry_run() -> ResponseReturnValue:
    """Who would get what on a day; nothing is written and nothing leaves."""
    filters = read_filters(forms.DryRunFilter())
    day = filters.values.get("date") or _today()
    try:
        checked_day(day)
    except Invalid as exc:
        filters = filters.refused(exc.errors)
    given = {"filters": filters, "day": day, "types": choices(NotificationType)}
    if filters.errors:
        nothing = render_template("pages/dry_run.html", verdicts=[], more=False, **given)
        return nothing, HTTPStatus.UNPROCESSABLE_ENTITY
    wanted = filters.values
    verdicts = (
        one
        for one in rehearse(container(), day)
        if (one.rejection is not None) is wanted["rejected"]
        and one.candidate.type == wanted.get("type", one.candidate.type)
    )
    if request.args.get("format") == "csv":
        return csv_answer(f"dry-run-{day}", DRY_RUN_COLUMNS, verdicts)
    shown = list(islice(verdicts, DRY_RUN_SHOWN + 1))
    return render_template(
        "pages/dry_run.html",
        verdicts=shown[:DRY_RUN_SHOWN],
        more=len(shown) > DRY_RUN_SHOWN,
        measure=measure,
        **given,
    )


def _today() -> date:
    return utc_now().astimezone(container().settings.scheme_timezone).date()
