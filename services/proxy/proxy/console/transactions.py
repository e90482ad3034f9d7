"""`/admin/mediator/transactions/`: the record of every call."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from common.audit.log import record_act, viewing
from common.console.csv_export import Column
from common.console.finding import read_term
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.rights import Right
from common.texts import _
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.searches import note_search
from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.saved_views import views_of
from proxy.console.stages import stages, steps
from proxy.container import container
from proxy.errors import NotRepeatable
from proxy.models import (
    AsyncCall,
    CallGrant,
    Channel,
    Client,
    Mediator,
    Retry,
    Transaction,
    TransactionStatus,
)
from proxy.record import reruns
from proxy.record.addresses import Found
from proxy.record.as_call import curl
from proxy.record.indexed_fields import term_of
from proxy.record.raw_bodies import Side, raw_body, shown_as
from proxy.record.reports import KeptReport, reports_of
from proxy.record.search import find
from proxy.record.spans import When
from proxy.record.transactions import asks_reason, summaries
from proxy.registry.records import existing
from proxy.schemas.forms import ReasonForm
from proxy.schemas.transactions import Filter

#: So many names are offered where one is typed.
_NAMES_OFFERED = 200
_RERUNS_SHOWN = 50

COLUMNS = (
    Column("Correlation id", lambda call: call.correlation_id),
    Column("Started", lambda call: call.started_at),
    Column("Status", lambda call: call.status),
    Column("Method", lambda call: call.request_method),
    Column("URL", lambda call: call.request_url),
    Column("Answer", lambda call: call.response_status_code),
    Column("Error", reach.error_of),
    Column("Channel", lambda call: call.channel_name),
    Column("Client", lambda call: call.client_name),
    Column("Address", lambda call: call.client_address),
    Column("Organization", lambda call: call.organization),
    Column("Duration (ms)", lambda call: call.duration_ms),
    Column("Repeats", lambda call: call.parent_id),
)


@dataclass(frozen=True)
class RawBody:
    """A body that is kept to the byte; `media` where browsers show it."""

    bytes: int
    media: str | None


@dataclass(frozen=True)
class Detail:
    """A call and what it is connected with; the ids are None for what is no longer there.

    `made_by` is who made it as its client, with a one-time grant.
    """

    call: Transaction
    original: Transaction | None
    reruns: Sequence[Transaction]
    channel_id: uuid.UUID | None
    client_id: uuid.UUID | None
    work: AsyncCall | None
    retry: Retry | None
    made_by: str | None
    report: KeptReport
    asks_reason: bool
    sees_bodies: bool
    #: The sides whose bodies are kept to the byte.
    raw: Mapping[Side, RawBody]


@pages.page("/mediator/transactions/")
def transactions() -> ResponseReturnValue:
    """The calls that meet the filters, newest first."""
    filters = read_filters(Filter())
    wanted = reach.viewing(**filters.values)
    note_search(wanted.about)

    def fetch(limit: int, cursor: str | None) -> Found[Transaction]:
        return read(lambda session: find(session, wanted, limit=limit, cursor=cursor))

    channels, clients, mediators = read(names_to_choose_from)
    channels = [one for one in channels if reach.within(one, reach.own().view)]
    return listing(
        "pages/transactions.html",
        fetch,
        filters,
        csv_name="transactions",
        columns=COLUMNS,
        channels=channels,
        clients=clients,
        mediators=mediators,
        statuses=choices(TransactionStatus),
        spans=choices(When),
        views=read(views_of),
    )


@pages.act("/mediator/transactions/about/", Right.GATEWAY_BODIES)
def list_about() -> ResponseReturnValue:
    """To the list of calls in whose bodies an indexed field is a value, which no address names."""
    filters, term = read_filters(Filter()), read_term()
    sealed = term_of(container().sealer, term.text)
    return redirect(url_for("console.transactions") + filters.query(about=sealed), 303)


@pages.page("/mediator/transactions/<uuid:correlation_id>/")
def transaction(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """One call with everything that is on record; its bodies perhaps not before one says why."""
    found = read(lambda session: _detail(session, correlation_id))
    viewing(is_shown=not found.asks_reason and found.sees_bodies)
    return _page(found, is_open=not found.asks_reason)


@pages.act("/mediator/transactions/<uuid:correlation_id>/open/", Right.GATEWAY_BODIES)
def open_transaction(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """The same with headers and bodies, for the reason that was given."""
    form = read_form(ReasonForm())
    found = read(lambda session: _detail(session, correlation_id))
    reach.check_bodies(found.call)
    if form.errors:
        return _page(found, is_open=False, form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    channel = found.call.channel_name or ""
    record_act("transaction.viewed", correlation_id, channel, reason=form.values["reason"])
    return _page(found, is_open=True)


def _page(found: Detail, *, is_open: bool, form: Form | None = None) -> str:
    return render_template(
        "pages/transaction.html",
        found=found,
        stages=stages(found.call),
        steps=steps(found.report.orchestrations),
        curl=curl(found.call, request.host_url.rstrip("/")),
        is_open=is_open,
        form=form or Form(),
    )


@pages.act("/mediator/transactions/<uuid:correlation_id>/rerun/", Right.GATEWAY_RERUN)
def rerun(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """Make a call again and go to the new one; or say why that cannot be."""
    process = container()
    timeout_s = process.settings.forward_timeout_s
    database, sealer = process.database, process.sealer
    reach.check_reruns(read(lambda session: existing(session, Transaction, correlation_id)))
    try:
        made = reruns.rerun_one(database, sealer, correlation_id, timeout_s)
    except NotRepeatable as exc:
        flash(_("This call cannot be made again: %(exc)s.", exc=exc), "bad")
        return redirect(url_for("console.transaction", correlation_id=correlation_id), 303)
    process.wake_up.send()
    flash(_("The call is made again; this is the new one."))
    return redirect(url_for("console.transaction", correlation_id=made.correlation_id), 303)


def names_to_choose_from(
    session: Session,
) -> tuple[Sequence[str], Sequence[str], list[tuple[str, str]]]:
    """The channels, clients and mediators to choose from."""
    channels = select(Channel.name).order_by(Channel.name).limit(_NAMES_OFFERED)
    clients = select(Client.client_id).order_by(Client.client_id).limit(_NAMES_OFFERED)
    mediators = select(Mediator.urn, Mediator.name).order_by(Mediator.name).limit(_NAMES_OFFERED)
    named = [(row.urn, row.name) for row in session.execute(mediators)]
    return session.scalars(channels).all(), session.scalars(clients).all(), named


def _detail(session: Session, correlation_id: uuid.UUID) -> Detail:
    call = existing(session, Transaction, correlation_id)
    reach.check_views(call)
    seen = summaries(reach.viewing()).order_by(Transaction.correlation_id.desc())
    children = seen.where(Transaction.parent_id == correlation_id).limit(_RERUNS_SHOWN)
    return Detail(
        call=call,
        original=session.scalar(seen.where(Transaction.correlation_id == call.parent_id)),
        reruns=session.scalars(children).all(),
        channel_id=session.scalar(select(Channel.id).where(Channel.name == call.channel_name)),
        client_id=session.scalar(select(Client.id).where(Client.client_id == call.client_name)),
        work=session.get(AsyncCall, correlation_id),
        retry=session.get(Retry, correlation_id),
        asks_reason=asks_reason(session, call),
        sees_bodies=reach.sees_bodies(call),
        made_by=session.scalar(
            select(CallGrant.staff_name).where(CallGrant.correlation_id == correlation_id)
        ),
        report=reports_of(session, container().sealer, correlation_id),
        raw=_raw(session, call),
    )


def _raw(session: Session, call: Transaction) -> dict[Side, RawBody]:
    bodies = {side: raw_body(session, container().sealer, call, side) for side in Side}
    return {
        side: RawBody(len(body), shown_as(body)[0])
        for side, body in bodies.items()
        if body is not None
    }
