"""`/admin/`: how the hub is, and how its calls went."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import marshmallow as ma
from common.clock import utc_now
from common.console.forms import read_filters
from common.console.navigation import menu
from common.console.rights import SIGNED_IN, Right
from common.errors import Invalid
from common.texts import _
from flask import g, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.checks.reading import Trouble, checks, troubles
from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.chart import LINES, SPANS, Span, busiest, chart
from proxy.console.reading import read
from proxy.container import container
from proxy.models import AsyncCall, HealthCheck, Mediator, Transaction, TransactionStatus
from proxy.record.search import newest
from proxy.statistics.judging import MediatorState, judged_mediators
from proxy.statistics.recent import added_up, in_steps, recent_calls
from proxy.statistics.rollups import Figures

_FAILURES_SHOWN = 8


class SpanFilter(ma.Schema):
    """Which span to look back on."""

    span = ma.fields.String(load_default="day", validate=ma.validate.OneOf(SPANS))


@dataclass(frozen=True)
class State:
    """The hub now; `oldest_at` is when the oldest call that waits was accepted."""

    totals: Sequence[Figures]
    steps: Sequence[Figures]
    mediators: int
    #: Names of mediators by their states.
    by_state: Mapping[MediatorState, Sequence[str]]
    checks: Sequence[HealthCheck]
    troubles: Sequence[Trouble]
    waiting: int
    oldest_at: datetime | None
    failures: Sequence[Transaction]


@pages.page("/", SIGNED_IN)
def home() -> ResponseReturnValue:
    """Calls per channel over a span, what waits, what failed last, how the hub is.

    Who sees no calls begins at the first page of their menu.
    """
    if not g.staff.may(Right.GATEWAY_OBSERVE):
        return redirect(menu(g.staff)[0][1][0].path)
    form = read_filters(SpanFilter())
    if form.errors:
        raise Invalid(_("There is no such span"), dict(form.errors))
    name, now = form.values["span"], utc_now()
    since, timeout_s = SPANS[name].since(now), container().settings.heartbeat_timeout_s
    state = read(lambda session: _state(session, since, now, SPANS[name], timeout_s))
    totals = busiest(state.totals)
    return render_template(
        "pages/overview.html",
        chosen=name,
        spans=SPANS,
        since=since,
        now=now,
        state=state,
        totals=totals,
        chart=chart(since, SPANS[name], state.steps, [one.channel for one in totals[:LINES]]),
    )


def _state(session: Session, since: datetime, now: datetime, span: Span, timeout_s: float) -> State:
    mediators = session.scalars(select(Mediator).order_by(Mediator.name)).all()
    failed, view = reach.viewing(status=TransactionStatus.FAILED), reach.own().view
    waits = select(func.count(), func.min(Transaction.started_at)).join(
        AsyncCall, AsyncCall.correlation_id == Transaction.correlation_id
    )
    if view is not None:
        waits = waits.where(Transaction.channel_name.in_(view))
    waiting, oldest_at = session.execute(waits).one()
    failures, _ = newest(session, failed, _FAILURES_SHOWN)
    seen = {
        key: figures
        for key, figures in recent_calls(session, since, now, span.step).items()
        if reach.within(key[1], view)
    }
    calls = added_up(seen, since, span.step)
    by_state: dict[MediatorState, list[str]] = defaultdict(list)
    judged = judged_mediators(session, mediators, now, timeout_s, view)
    for one in mediators:
        by_state[judged[one.id].state].append(one.name)
    found = checks(session, view)
    return State(
        totals=in_steps(calls, since, span.length),
        steps=in_steps(calls, since, span.step),
        mediators=len(mediators),
        by_state=by_state,
        checks=found,
        troubles=troubles(session, found, now, view),
        waiting=waiting,
        oldest_at=oldest_at,
        failures=failures,
    )
