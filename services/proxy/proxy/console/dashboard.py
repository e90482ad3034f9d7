"""`/admin/`: how the hub is, and how its calls went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import marshmallow as ma
from common.clock import utc_now
from common.console.forms import read_filters
from common.console.navigation import menu
from common.console.rights import SIGNED_IN, Right
from common.errors import Invalid
from flask import g, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.chart import LINES, SPANS, Span, busiest, chart
from proxy.console.reading import read
from proxy.container import container
from proxy.health import ask_all
from proxy.models import AsyncCall, Mediator, Transaction, TransactionStatus
from proxy.record.search import newest
from proxy.registry.mediators import is_online
from proxy.statistics.recent import in_steps, recent_calls
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
    offline: Sequence[str]
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
        raise Invalid("There is no such span", dict(form.errors))
    name, now = form.values["span"], utc_now()
    since, timeout_s = SPANS[name].since(now), container().settings.heartbeat_timeout_s
    state = read(lambda session: _state(session, since, now, SPANS[name], timeout_s))
    totals, health = busiest(state.totals), ask_all(container())
    return render_template(
        "pages/home.html",
        chosen=name,
        spans=SPANS,
        since=since,
        now=now,
        state=state,
        totals=totals,
        chart=chart(since, SPANS[name], state.steps, [one.channel for one in totals[:LINES]]),
        health=health,
        is_well=all(part["ok"] for part in health.values()),
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
    calls = {
        key: figures
        for key, figures in recent_calls(session, since, now, span.step).items()
        if reach.within(key[1], view)
    }
    return State(
        totals=in_steps(calls, since, span.length),
        steps=in_steps(calls, since, span.step),
        mediators=len(mediators),
        offline=[
            mediator.name
            for mediator in mediators
            if not is_online(mediator.is_online, mediator.last_heartbeat, now, timeout_s)
        ],
        waiting=waiting,
        oldest_at=oldest_at,
        failures=failures,
    )
