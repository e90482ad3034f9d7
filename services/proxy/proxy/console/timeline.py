"""`/admin/timeline/…/`: what happened for a correlation id, in all services, in one order.

Our part is in the page; the browser asks the other services for theirs (see
`common.console.finding`), and puts the lines in the order of their times.
"""

import uuid
from collections.abc import Iterator

from common.console.finding import TIMELINE, Happened, Term, checked_id, in_order
from common.console.navigation import other_services
from common.console.presenting import word
from common.console.rights import SIGNED_IN, Right
from common.texts import _
from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session, load_only

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.stages import steps
from proxy.container import container
from proxy.models import AsyncCall, Rejection, Transaction, TransactionStatus
from proxy.record.reports import reports_of
from proxy.record.transactions import SUMMARY, asks_reason, summaries

_MOST_RERUNS = 50
_MARKS = {
    TransactionStatus.SUCCESSFUL: "good",
    TransactionStatus.COMPLETED: "good",
    TransactionStatus.COMPLETED_WITH_ERRORS: "warn",
    TransactionStatus.FAILED: "bad",
}


@pages.page(f"{TIMELINE}/<correlation_id>/", SIGNED_IN)
def timeline(correlation_id: str) -> ResponseReturnValue:
    """The lines that we know, and whom else the page asks."""
    known = checked_id(correlation_id)
    call_id = Term(known).id if g.staff.may(Right.GATEWAY_OBSERVE) else None
    ours = read(lambda session: in_order(_happened(session, call_id))) if call_id else []
    return render_template(
        "pages/timeline.html",
        correlation_id=known,
        known=ours,
        others=other_services(g.staff),
        path=f"{TIMELINE}/{known}/",
    )


def _happened(session: Session, call_id: uuid.UUID) -> Iterator[Happened]:
    rejected = session.get(Rejection, call_id)
    if rejected is not None and reach.own().view is None:
        asked = f"{rejected.request_method} {rejected.request_path}"
        what = _("%(call)s was rejected: %(reason)s", call=asked, reason=word(rejected.reason))
        at = f"{url_for('console.rejections')}#rejection-{call_id}"
        yield Happened(rejected.rejected_at, what, at, str(rejected.status_code), "bad")
    call = session.get(Transaction, call_id, options=[load_only(*SUMMARY)])
    if call is not None and reach.within(call.channel_name, reach.own().view):
        yield from _of_call(call)
        yield from _sent(session, call)
        yield from _steps(session, call)
        yield from _reruns(session, call)


def _of_call(call: Transaction) -> Iterator[Happened]:
    at = _page(call.correlation_id)
    asked = f"{call.request_method} {call.request_url}"
    what = _("%(client)s called %(call)s", client=call.client_name, call=asked)
    yield Happened(call.started_at, what, at)
    if call.completed_at is not None:
        error = reach.error_in_words(call)
        said = _("The call ended")
        ended = f"{said}: {error}" if error else said
        mark = _MARKS.get(call.status, "busy")
        yield Happened(call.completed_at, ended, at, call.status, mark, call.duration_ms)


def _sent(session: Session, call: Transaction) -> Iterator[Happened]:
    work = session.get(AsyncCall, call.correlation_id)
    if work is not None and work.sent_at is not None:
        what = _("The worker sent it, attempt %(number)s", number=work.attempt_count)
        yield Happened(work.sent_at, what, _page(call.correlation_id))


def _steps(session: Session, call: Transaction) -> Iterator[Happened]:
    """What mediators report and what secondary routes did, for those who see bodies."""
    if not reach.sees_bodies(call) or asks_reason(session, call):
        return
    kept = reports_of(session, container().sealer, call.correlation_id)
    for step in steps(kept.orchestrations):
        if step["started"] is not None:
            status = str(step.get("response", {}).get("status", "no answer"))
            mark = "bad" if step.get("error") else ""
            what = _("Step: %(name)s", name=step.get("name") or _("without a name"))
            at = _page(call.correlation_id)
            yield Happened(step["started"], what, at, status, mark, step["took_ms"])


def _reruns(session: Session, call: Transaction) -> Iterator[Happened]:
    """The call that it makes again, and those that make it again."""
    is_kin = Transaction.parent_id == call.correlation_id
    if call.parent_id is not None:
        is_kin |= Transaction.correlation_id == call.parent_id
    query = summaries(reach.viewing()).where(is_kin).order_by(Transaction.correlation_id)
    for one in session.scalars(query.limit(_MOST_RERUNS)):
        is_original = one.correlation_id == call.parent_id
        what = _("The original began") if is_original else _("It was made again")
        at, mark = _page(one.correlation_id), _MARKS.get(one.status, "busy")
        yield Happened(one.started_at, what, at, one.status, mark, one.duration_ms)


def _page(correlation_id: uuid.UUID) -> str:
    return url_for("console.transaction", correlation_id=correlation_id)
