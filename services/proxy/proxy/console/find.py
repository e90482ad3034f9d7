"""`/admin/find/`: what a term names, in all services; and all calls about it.

Our part is in the page; the browser asks the other services for theirs, all at once, each with the
session of who asks, and waits a second for each (see `common.console.finding`).
"""

from common.console.finding import FIND, MOST_HITS, Term, read_term
from common.console.listing import PAGE_ROWS
from common.console.navigation import other_services
from common.console.rights import SIGNED_IN, Right
from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.access.searches import record_search
from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.finding import hits_of, is_id
from proxy.console.reading import read
from proxy.container import container
from proxy.models import Transaction
from proxy.record.about import calls_about
from proxy.record.addresses import Found
from proxy.record.indexed_fields import digests_of

_NO_CALLS: Found[Transaction] = Found([], None)


@pages.act(FIND, SIGNED_IN)
def find() -> ResponseReturnValue:
    """What we have of a term for those who may see it, and whom else the page asks."""
    term, sees_ours = read_term(), g.staff.may(Right.GATEWAY_OBSERVE)
    return render_template(
        "pages/find.html",
        term=term,
        hits=read(lambda session: list(hits_of(session, term))) if sees_ours else [],
        calls=read(lambda session: _about(session, term, MOST_HITS, None)),
        others=other_services(g.staff),
        path=FIND,
    )


@pages.act("/find/calls/", Right.GATEWAY_BODIES)
def find_calls() -> ResponseReturnValue:
    """All calls about a term, newest first; the next page is asked for by a form, too."""
    term, cursor = read_term(), request.form.get("cursor") or None
    found = read(lambda session: _about(session, term, PAGE_ROWS, cursor))
    return render_template("pages/find_calls.html", term=term, page=found)


def _about(session: Session, term: Term, limit: int, cursor: str | None) -> Found[Transaction]:
    """Nothing for an id of ours, which is found as such, and for who sees nothing of persons."""
    if is_id(term) or not g.staff.may(Right.GATEWAY_BODIES):
        return _NO_CALLS
    wanted, sealer = reach.viewing(q=term.text), container().sealer
    record_search([one.hex() for one in digests_of(sealer, term.text)])
    return calls_about(session, sealer, wanted, reach.bodies(), limit=limit, cursor=cursor)
