"""`/admin/mediator/report/`: how well clients were served, per channel."""

from collections.abc import Sequence
from datetime import datetime

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.forms import Form, choices, read_filters
from common.console.listing import listing
from common.errors import Invalid
from common.texts import N_
from common.web.paging import Page, page_of
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.transactions import names_to_choose_from
from proxy.models import Mediator
from proxy.schemas.report import ErrorArgs, ReportArgs
from proxy.statistics.error_kinds import ErrorKind, error_kinds
from proxy.statistics.service_levels import (
    By,
    Order,
    Question,
    ServiceLevel,
    Step,
    question,
    service_levels,
    timeline,
)

COLUMNS = (
    Column("Channel", lambda one: one.channel),
    Column("Client", lambda one: one.client),
    Column("Mediator", lambda one: one.mediator),
    Column("Status", lambda one: one.status),
    Column("Calls", lambda one: one.count),
    Column("Failures", lambda one: one.failures),
    Column("With errors", lambda one: one.completed_with_errors),
    Column("Share within target", lambda one: one.within),
    Column("Apdex", lambda one: one.apdex),
    Column("Mean (ms)", lambda one: one.mean_ms),
    Column("p50 (ms)", lambda one: one.p50_ms),
    Column("p95 (ms)", lambda one: one.p95_ms),
    Column("Match (ms)", lambda one: one.match_ms),
    Column("Store (ms)", lambda one: one.store_ms),
    Column("Upstream (ms)", lambda one: one.upstream_ms),
)
ERROR_COLUMNS = (
    Column("Channel", lambda one: one.channel),
    Column("Error", lambda one: one.kind),
    Column("Calls", lambda one: one.count),
    Column("New", lambda one: one.is_new),
    Column("First hour", lambda one: one.first_hour),
    Column("Last hour", lambda one: one.last_hour),
    Column("Newest call", lambda one: one.example),
)


#: What is asked most, each one click away: label, query.
QUESTIONS = (
    (N_("Busiest"), {"by": By.CHANNEL_CLIENT}),
    (N_("Slowest mediators"), {"by": By.MEDIATOR, "order": Order.SLOWEST}),
    (N_("Slowest channels"), {"by": By.CHANNEL, "order": Order.SLOWEST}),
    (N_("Clients with most failures"), {"by": By.CLIENT, "order": Order.FAILURES}),
    (N_("Channels with most failures"), {"by": By.CHANNEL, "order": Order.FAILURES}),
    (N_("Statuses"), {"by": By.STATUS}),
)


@pages.page("/mediator/report/")
def report() -> ResponseReturnValue:
    """Shares within the target, failures, percentiles, times per stage; most calls first."""
    filters, asked, steps = _report(read_filters(ReportArgs()))

    def fetch(limit: int, cursor: str | None) -> Page[ServiceLevel]:
        if asked is None:
            return Page([], None)
        return read(lambda session: service_levels(session, asked, limit, cursor))

    return listing(
        "pages/report.html",
        fetch,
        filters,
        csv_name="service-levels",
        columns=COLUMNS,
        report=asked,
        kinds=choices(By),
        orders=choices(Order),
        questions=QUESTIONS,
        steps=steps,
        most=max((one.count for one in steps), default=0),
        mediators=read(_mediators),
        names=read(_names),
    )


@pages.page("/mediator/report/errors/")
def error_report() -> ResponseReturnValue:
    """Failed calls by channel and the shape of their error; what is new since yesterday first."""
    filters, since, kinds = _errors(read_filters(ErrorArgs()))
    return listing(
        "pages/error_kinds.html",
        lambda limit, cursor: page_of(kinds, limit, cursor),
        filters,
        csv_name="error-kinds",
        columns=ERROR_COLUMNS,
        since=since,
    )


def _errors(filters: Form) -> tuple[Form, datetime | None, Sequence[ErrorKind]]:
    if filters.errors:
        return filters, None, []
    span = filters.values["since"], filters.values["until"]
    try:
        since, kinds = read(lambda session: error_kinds(session, *span, utc_now()))
    except Invalid as exc:
        return filters.refused(exc.errors), None, []
    view = reach.own().view
    return filters, since, [one for one in kinds if reach.within(one.channel, view)]


def _names(session: Session) -> dict[str, Sequence[str]]:
    channels, clients, _mediators = names_to_choose_from(session)
    view = reach.own().view
    return {"channels": [one for one in channels if reach.within(one, view)], "clients": clients}


def _mediators(session: Session) -> dict[str, Mediator]:
    """By their endpoints."""
    return {one.endpoint_url: one for one in session.scalars(select(Mediator))}


def _report(filters: Form) -> tuple[Form, Question | None, list[Step]]:
    if filters.errors:
        return filters, None, []

    def query(session: Session) -> tuple[Question, list[Step]]:
        view = reach.own().view
        asked = question(session, now=utc_now(), **filters.values, channels=view)
        return asked, timeline(session, asked)

    try:
        return filters, *read(query)
    except Invalid as exc:
        return filters.refused(exc.errors), None, []
