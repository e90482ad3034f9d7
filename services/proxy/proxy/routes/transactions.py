"""`/api/proxy/transactions/`: the record of every call, and calls made again."""

import uuid
from typing import Any

from common.audit.log import viewing
from common.web.api import Blueprint
from common.web.single import single
from common.web.tokens import held_scopes

from proxy.access.reasons import note_reason
from proxy.access.scopes import excess
from proxy.access.searches import SEES_BODIES, check_may_search, note_search
from proxy.container import container
from proxy.models import Transaction
from proxy.record import rerun_many, reruns
from proxy.record.addresses import Found
from proxy.record.reports import with_reports
from proxy.record.rerun_many import Reruns
from proxy.record.reruns import Rerun
from proxy.record.search import find
from proxy.record.transactions import TransactionFilter, without_bodies
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.transactions import (
    FilterArgs,
    ReasonArgs,
    RerunIn,
    RerunOut,
    RerunsOut,
    TransactionOut,
    TransactionPage,
)

blp = Blueprint("transactions", __name__, url_prefix=f"{PREFIX}/transactions")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(FilterArgs, location="query")
@blp.response(200, TransactionPage)
def list_transactions(query: dict[str, Any]) -> Found[Transaction]:
    """List calls, newest first, without headers and bodies.

    The answer comes soon, however large the record is. Where `searched_back_to` is a time, the
    page is not full because the search stopped there: `next_cursor` goes on.
    """
    wanted = query.pop("wanted")
    check_may_search(wanted.about)
    note_search(wanted.about)
    with container().database.reading() as session:
        return find(session, wanted, **query)


@blp.route("/<uuid:correlation_id>/", methods=["GET"])
@blp.scope("proxy:read", "proxy:transactions")
@blp.arguments(ReasonArgs, location="headers")
@blp.response(200, single(TransactionOut))
def read_transaction(_given: dict[str, Any], correlation_id: uuid.UUID) -> dict[str, Any]:
    """Read a call with everything that is on record; some channels ask why.

    Bodies want `proxy:transactions:bodies`.
    """
    sees_bodies = not excess({SEES_BODIES}, held_scopes())
    with container().database.reading() as session:
        call = existing(session, Transaction, correlation_id)
        if sees_bodies:
            note_reason(session, call)
        whole = with_reports(session, container().sealer, call)
    if not sees_bodies:
        viewing(is_shown=False)
        return without_bodies(whole)
    return whole


@blp.route("/<uuid:correlation_id>/rerun/", methods=["POST"])
@blp.scope("proxy:transactions:rerun", "proxy:admin")
@blp.response(202, single(RerunOut), headers=LOCATION)
def rerun(correlation_id: uuid.UUID) -> tuple[Rerun, dict[str, str]]:
    """Make a call again: as a new one that points at this one."""
    database, timeout_s = container().database, container().settings.forward_timeout_s
    repeated = reruns.rerun_one(database, container().sealer, correlation_id, timeout_s)
    container().wake_up.send()
    return repeated, location("transactions", repeated.correlation_id)


@blp.route("/rerun/", methods=["POST"])
@blp.scope("proxy:transactions:rerun", "proxy:admin")
@blp.arguments(RerunIn)
@blp.response(202, RerunsOut)
def rerun_matching(given: dict[str, Any]) -> Reruns:
    """Make the newest calls again that meet conditions, and tell which cannot be repeated.

    Repetitions are never repeated, and calls that were repeated already only on demand. For more
    than a thousand calls, or to see how they end, make a task.
    """
    wanted: TransactionFilter = given.pop("wanted")
    check_may_search(wanted.about)
    database, timeout_s = container().database, container().settings.forward_timeout_s
    outcome = rerun_many.rerun_matching(
        database, container().sealer, wanted, forward_timeout_s=timeout_s, **given
    )
    container().wake_up.send()
    return outcome
