"""`/api/openhim/transactions`: the record of calls, searched and added to in OpenHIM's words."""

import time
from typing import Any

from common.audit.log import viewing
from common.clock import rfc3339
from common.errors import Conflict, NotFound
from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.log_ins import SCOPE
from proxy.access.reasons import note_reason
from proxy.container import container
from proxy.models import FINAL_STATUSES, OPEN_STATUSES, Channel, Client, Mediator, Transaction
from proxy.openhim import api_changes, api_filters
from proxy.openhim.api import api
from proxy.openhim.callers import ADMIN, BODIES, CALLS, Caller, caller
from proxy.openhim.requests import document, id_of, id_range
from proxy.openhim.transactions import STATUSES_THERE
from proxy.record.headers import readable_headers
from proxy.record.reports import reports_of
from proxy.record.search import find
from proxy.record.transactions import TransactionFilter

MOST_PAGES, MOST_ROWS = 50, 100
#: A mediator may say more of a call before its answer has been recorded: so long it is waited for.
WAIT_S, LOOK_EVERY_S = 3.0, 0.1

#: By our status; what is open has one word there.
_SHOWN = {**dict.fromkeys(OPEN_STATUSES, "Processing"), **STATUSES_THERE}


@api.get("/transactions")
def list_transactions() -> ResponseReturnValue:
    """The newest calls that meet the filters."""
    asks = caller()
    asks.need(CALLS)
    limit = max(1, api_filters.count("filterLimit", 10, MOST_ROWS))
    page = api_filters.count("filterPage", 0, MOST_PAGES)
    is_full = request.args.get("filterRepresentation") == "full"
    if is_full:
        asks.need(BODIES)
    with container().database.reading() as session:
        wanted = api_filters.wanted(session, request.args.get("filters", "{}"))
        rows = _page(session, wanted, limit, page)
        viewing(is_shown=is_full)
        if is_full:
            rows = _whole(session, rows)
            note_reason(session, *rows)
        names = _Ids(session, rows)
        return jsonify([_document(one, names, is_full=is_full) for one in rows])


def _page(session: Session, wanted: TransactionFilter, limit: int, page: int) -> list[Transaction]:
    """The calls of a page that is named by its number; the record is searched in bounded steps."""
    cursor = None
    for _ in range(page):
        cursor = find(session, wanted, limit=limit, cursor=cursor).next_cursor
        if cursor is None:
            return []
    return list(find(session, wanted, limit=limit, cursor=cursor).data)


def _whole(session: Session, rows: list[Transaction]) -> list[Transaction]:
    """The same calls with headers and bodies."""
    ids = [one.correlation_id for one in rows]
    wanted = select(Transaction).where(Transaction.correlation_id.in_(ids))
    wanted = wanted.execution_options(populate_existing=True)
    by_id = {one.correlation_id: one for one in session.scalars(wanted)}
    return [by_id[one] for one in ids if one in by_id]


@api.get("/transactions/<record_id>")
def read_transaction(record_id: str) -> ResponseReturnValue:
    """One call with everything on record."""
    asks = caller()
    asks.need(SCOPE, BODIES)
    with container().database.reading() as session:
        found = _transaction(session, record_id)
        _need_own(session, asks, found, BODIES)
        note_reason(session, found)
        kept = reports_of(session, container().sealer, found.correlation_id)
        shown = _document(found, _Ids(session, [found]), is_full=True)
        if kept.error is not None:
            shown["error"] = kept.error
        return jsonify(
            {**shown, "orchestrations": kept.orchestrations, "properties": kept.properties}
        )


@api.put("/transactions/<record_id>")
def change_transaction(record_id: str) -> ResponseReturnValue:
    """Add to a call what its mediator found out later: its status, its answer, its error."""
    asks = caller()
    asks.need(SCOPE, ADMIN)
    given = document()
    changes, report = api_changes.changes_of(given), api_changes.report_of(given)
    deadline = time.monotonic() + WAIT_S
    while True:
        with container().database.writing() as session:
            found = _transaction(session, record_id)
            _need_own(session, asks, found, ADMIN)
            if found.status in FINAL_STATUSES:
                api_changes.apply(session, found, changes)
                if report is not None:
                    api_changes.add(session, found, *report)
                return f"Transaction with ID: {record_id} successfully updated", 200
        if time.monotonic() > deadline:
            raise Conflict("The call has not ended yet")
        time.sleep(LOOK_EVERY_S)


class _Ids:
    """The ids of the channels and clients that calls name."""

    def __init__(self, session: Session, rows: list[Transaction]) -> None:
        channels = {one.channel_name for one in rows if one.channel_name}
        clients = {one.client_name for one in rows}
        wanted = select(Channel.name, Channel.id).where(Channel.name.in_(channels))
        self.channels = {name: id_of(found) for name, found in session.execute(wanted)}
        asked = select(Client.client_id, Client.id).where(Client.client_id.in_(clients))
        self.clients = {name: id_of(found) for name, found in session.execute(asked)}


def _document(found: Transaction, ids: _Ids, *, is_full: bool) -> dict[str, Any]:
    path, _, query = found.request_url.partition("?")
    asked: dict[str, Any] = {
        "path": path,
        "querystring": query,
        "method": found.request_method,
        "timestamp": rfc3339(found.started_at),
    }
    answered: dict[str, Any] = {"status": found.response_status_code}
    if found.completed_at is not None:
        answered["timestamp"] = rfc3339(found.completed_at)
    if is_full:
        asked |= {
            "headers": readable_headers(found.request_headers),
            "body": found.request_body,
        }
        answered |= {
            "headers": readable_headers(found.response_headers) or {},
            "body": found.response_body or "",
        }
    return {
        "_id": id_of(found.correlation_id),
        "clientID": ids.clients.get(found.client_name),
        "clientIP": found.client_address,
        "channelID": ids.channels.get(found.channel_name or ""),
        "parentID": id_of(found.parent_id) if found.parent_id else None,
        "status": _SHOWN[found.status],
        "request": asked,
        "response": answered,
        **({"error": {"message": found.error_message}} if found.error_message else {}),
    }


def _transaction(session: Session, record_id: str) -> Transaction:
    first, last = id_range(record_id)
    wanted = select(Transaction).where(Transaction.correlation_id.between(first, last))
    found = session.scalars(wanted.order_by(Transaction.correlation_id).limit(1)).first()
    if found is None:
        raise NotFound("No such transaction")
    return found


def _need_own(session: Session, asks: Caller, found: Transaction, *others: str) -> None:
    """A machine account speaks of calls to its own mediators only, unless it has one of `others`.

    Raises Forbidden, NotFound.
    """
    if asks.has(*others):
        return
    wanted = (
        select(Mediator)
        .join(Channel, Channel.mediator_id == Mediator.id)
        .where(Channel.name == found.channel_name)
    )
    mediator = session.scalar(wanted)
    if mediator is None:
        raise NotFound("No such transaction")
    asks.need_own(mediator)
