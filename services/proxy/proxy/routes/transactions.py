"""`/api/proxy/transactions/`: the record of every call, and calls made again."""

import uuid
from typing import Any

from common.api import Blueprint
from common.offload import offload_for

from proxy import reruns
from proxy.models import Transaction
from proxy.parts import parts
from proxy.records import existing
from proxy.reruns import Rerun, Reruns
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.transactions import (
    FilterArgs,
    RerunIn,
    RerunOut,
    RerunsOut,
    TransactionOut,
    TransactionPage,
)
from proxy.search import Found, find
from proxy.transactions import TransactionFilter

blp = Blueprint("transactions", __name__, url_prefix=f"{PREFIX}/transactions")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read")
@blp.arguments(FilterArgs, location="query")
@blp.response(200, TransactionPage)
def list_transactions(query: dict[str, Any]) -> Found:
    """List calls, newest first, without headers and bodies.

    The answer comes soon, however large the record is. Where `searched_back_to` is a time, the
    page is not full because the search stopped there: `next_cursor` goes on.
    """
    database, wanted = parts().database, query.pop("wanted")

    def fetch() -> Found:
        with database.reading() as session:
            return find(session, wanted, **query)

    page: Found = offload_for(database.engine)(fetch)
    return page


@blp.route("/<uuid:correlation_id>/", methods=["GET"])
@blp.scope("proxy:read")
@blp.response(200, TransactionOut)
def read_transaction(correlation_id: uuid.UUID) -> Transaction:
    """Read a call with everything that is on record."""
    with parts().database.reading() as session:
        return existing(session, Transaction, correlation_id)


@blp.route("/<uuid:correlation_id>/rerun/", methods=["POST"])
@blp.scope("proxy:admin")
@blp.response(202, RerunOut, headers=LOCATION)
def rerun(correlation_id: uuid.UUID) -> tuple[Rerun, dict[str, str]]:
    """Make a call again: as a new one that points at this one."""
    database, timeout_s = parts().database, parts().settings.forward_timeout_s
    repeated = reruns.rerun_one(database, parts().sealer, correlation_id, timeout_s)
    parts().bell.ring()
    return repeated, location("transactions", repeated.correlation_id)


@blp.route("/rerun/", methods=["POST"])
@blp.scope("proxy:admin")
@blp.arguments(RerunIn)
@blp.response(202, RerunsOut)
def rerun_matching(given: dict[str, Any]) -> Reruns:
    """Make the newest calls again that meet conditions, and tell which cannot be repeated."""
    wanted: TransactionFilter = given["wanted"]
    database, timeout_s = parts().database, parts().settings.forward_timeout_s
    outcome = reruns.rerun_matching(database, parts().sealer, wanted, given["limit"], timeout_s)
    parts().bell.ring()
    return outcome
