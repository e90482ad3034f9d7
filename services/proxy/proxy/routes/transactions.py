"""`/api/proxy/transactions/`: the record of every call, and calls made again."""

import uuid
from typing import Any

from common.api import Blueprint
from common.offload import offload_for
from common.paging import Page, fetch_page, page_schema

from proxy import reruns
from proxy.gateway.routing_table import load_table
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
    TransactionSummaryOut,
)
from proxy.transactions import TransactionFilter, summaries

blp = Blueprint("transactions", __name__, url_prefix=f"{PREFIX}/transactions")


@blp.route("/", methods=["GET"])
@blp.scope("proxy:read")
@blp.arguments(FilterArgs, location="query")
@blp.response(200, page_schema(TransactionSummaryOut))
def list_transactions(query: dict[str, Any]) -> Page[Transaction]:
    """List calls, newest first, without headers and bodies."""
    database, wanted = parts().database, query.pop("wanted")

    def fetch() -> Page[Transaction]:
        with database.reading() as session:
            key = Transaction.correlation_id
            return fetch_page(session, summaries(wanted), key, **query)

    page: Page[Transaction] = offload_for(database.engine)(fetch)
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
    with parts().database.writing() as session:
        table = load_table(session, 0, parts().settings.forward_timeout_s)
        repeated = reruns.rerun(session, parts().sealer, table, correlation_id)
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
