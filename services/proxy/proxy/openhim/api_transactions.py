"""`/api/openhim/transactions`: the record of calls, searched and added to in OpenHIM's words."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from common.audit.log import viewing
from common.clock import rfc3339, utc_now
from common.errors import Conflict, NotFound
from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.log_ins import SCOPE
from proxy.access.reasons import note_reason
from proxy.container import container
from proxy.models import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    Channel,
    Client,
    Mediator,
    Transaction,
    TransactionStatus,
)
from proxy.openhim.api import api
from proxy.openhim.callers import ADMIN, BODIES, CALLS, Caller, NotUnderstood, caller
from proxy.openhim.requests import document, id_of, id_range
from proxy.openhim.transactions import STATUSES_THERE
from proxy.record.bodies import stored_copy
from proxy.record.headers import readable_headers, recorded_headers
from proxy.record.later_reports import add_report
from proxy.record.masked_bodies import mask_of
from proxy.record.reports import MOST_PROPERTIES, MOST_STEPS, Report, reports_of
from proxy.record.rows import MAX_REASON_CHARS, NOT_STORED, Storing, storable
from proxy.record.search import find
from proxy.record.transactions import TransactionFilter
from proxy.statistics.rollup_job import note_change

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
    limit = max(1, _count("filterLimit", 10, MOST_ROWS))
    page = _count("filterPage", 0, MOST_PAGES)
    is_full = request.args.get("filterRepresentation") == "full"
    if is_full:
        asks.need(BODIES)
    with container().database.reading() as session:
        rows = _page(session, _wanted(session, request.args.get("filters", "{}")), limit, page)
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
    changes, report = _changes(given), _report(given)
    deadline = time.monotonic() + WAIT_S
    while True:
        with container().database.writing() as session:
            found = _transaction(session, record_id)
            _need_own(session, asks, found, ADMIN)
            if found.status in FINAL_STATUSES:
                _apply(session, found, changes)
                if report is not None:
                    _add(session, found, *report)
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


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """What can be kept of it. Raises NotUnderstood."""
    changes: dict[str, Any] = {}
    if "status" in given:
        changes["status"] = _status_here(given["status"])
    error = given.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        changes["error_message"] = storable(error["message"], MAX_REASON_CHARS)
    answer = given.get("response")
    if answer is not None and not isinstance(answer, dict):
        raise NotUnderstood("response: must be an object")
    return changes | (_answer(answer) if answer else {})


def _report(given: dict[str, Any]) -> tuple[Report, bool] | None:
    """Steps, properties and error that were sent, and whether the steps take the place of all.

    `$push` adds steps, one or (`$each`) several. Raises NotUnderstood.
    """
    pushed = given.get("$push")
    steps, replaces = given.get("orchestrations"), "orchestrations" in given
    if isinstance(pushed, dict) and "orchestrations" in pushed:
        steps, replaces = pushed["orchestrations"], False
        if isinstance(steps, dict) and "$each" in steps:
            steps = steps["$each"]
    listed = steps if isinstance(steps, list) else [steps] if steps is not None else []
    if not all(isinstance(one, dict) for one in listed):
        raise NotUnderstood("orchestrations: must be objects")
    properties, error = given.get("properties"), given.get("error")
    values = properties if isinstance(properties, dict) else {}
    if not listed and not values and not error and not replaces:
        return None
    texts = {
        str(name): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in list(values.items())[:MOST_PROPERTIES]
    }
    failure = error if isinstance(error, dict) else None
    report = Report(orchestrations=listed[:MOST_STEPS], properties=texts, error=failure)
    return report, replaces


def _add(session: Session, found: Transaction, report: Report, replaces: bool) -> None:
    """Keep a report of a call, as much of its bodies as the channel's calls keep."""
    add_report(
        session,
        container().sealer,
        _storing(session, found),
        found.correlation_id,
        report,
        replaces_steps=replaces,
    )


def _storing(session: Session, found: Transaction) -> Storing:
    """How much of bodies the calls of its channel keep now."""
    max_chars = container().settings.stored_body_max_chars
    channel = session.scalar(select(Channel).where(Channel.name == found.channel_name))
    if channel is None:
        return Storing(max_chars)
    mask = mask_of(channel.masked_fields)
    return Storing(max_chars, channel.store_request_body, channel.store_response_body, mask)


def _answer(given: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    status = given.get("status")
    if status is not None:
        is_number = isinstance(status, (int, str)) and not isinstance(status, bool)
        if not is_number or not str(status).isdecimal() or not 100 <= int(status) <= 599:
            raise NotUnderstood("response.status: must be an HTTP status")
        changes["response_status_code"] = int(status)
    headers = given.get("headers")
    if isinstance(headers, dict):
        pairs = [
            (str(name), str(value))
            for name, values in headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        changes["response_headers"] = recorded_headers(pairs)
    if "body" in given:
        body = given["body"]
        changes["response_body"] = body if isinstance(body, str) else json.dumps(body)
    return changes


def _apply(session: Session, found: Transaction, changes: dict[str, Any]) -> None:
    if "response_body" in changes:
        changes = {**changes, "response_body": _kept_body(session, found, changes)}
    for name, value in changes.items():
        setattr(found, name, value)
    if found.completed_at is None:
        found.completed_at = utc_now()
    if changes:
        note_change(session, found.started_at)


def _kept_body(session: Session, found: Transaction, changes: dict[str, Any]) -> str:
    """As much of a body as the channel's calls keep."""
    storing = _storing(session, found)
    if changes["response_body"] and not storing.response_body:
        return NOT_STORED
    headers = changes.get("response_headers") or found.response_headers or {}
    lower = {name.lower(): value for name, value in headers.items()}
    raw = changes["response_body"].encode("utf-8", "replace")
    kind = str(lower.get("content-type", ""))
    return stored_copy(raw, len(raw), kind, "", storing.max_chars, storing.mask)


def _status_here(given: object) -> TransactionStatus:
    """The status that is meant. Raises NotUnderstood."""
    names = {there: here for here, there in STATUSES_THERE.items()}
    found = names.get(given) if isinstance(given, str) else None
    if found is None:
        raise NotUnderstood(f"status: must be one of {', '.join(sorted(names))}")
    return found


def _count(name: str, default: int, most: int) -> int:
    given = request.args.get(name, str(default))
    if not given.isdecimal() or len(given) > 9:
        raise NotUnderstood(f"{name}: must be a whole number")
    if int(given) > most:
        raise NotUnderstood(f"{name}: must be at most {most}")
    return int(given)


def _wanted(session: Session, given: str) -> TransactionFilter:
    """OpenHIM's filters as ours. Raises NotUnderstood for one that is not known here."""
    try:
        filters = json.loads(given)
    except (ValueError, RecursionError) as exc:
        raise NotUnderstood("filters: must be a JSON object") from exc
    if not isinstance(filters, dict):
        raise NotUnderstood("filters: must be a JSON object")
    found: dict[str, Any] = {}
    for name, value in filters.items():
        reader = _FILTERS.get(name)
        if reader is None:
            raise NotUnderstood(f"filters: {name[:60]} is not known here")
        found |= reader(session, value)
    return TransactionFilter(**found)


def _by_channel(session: Session, value: object) -> dict[str, Any]:
    first, last = id_range(str(value))
    name = session.scalar(select(Channel.name).where(Channel.id.between(first, last)))
    if name is None:
        raise NotUnderstood("filters: there is no such channel")
    return {"channel": name}


def _by_client(session: Session, value: object) -> dict[str, Any]:
    first, last = id_range(str(value))
    name = session.scalar(select(Client.client_id).where(Client.id.between(first, last)))
    if name is None:
        raise NotUnderstood("filters: there is no such client")
    return {"client": name}


def _by_answer(_session: Session, value: object) -> dict[str, Any]:
    text = str(value).lower()
    is_class = len(text) == 3 and text[0] in "12345" and text[1:] == "xx"
    if not is_class and not (text.isdecimal() and len(text) == 3):
        raise NotUnderstood("filters: response.status must be a status like 404 or 5xx")
    return {"response_status": text}


def _by_time(_session: Session, value: object) -> dict[str, Any]:
    try:
        given = json.loads(value) if isinstance(value, str) else value
        bounds = {"$gte": "since", "$gt": "since", "$lte": "until", "$lt": "until"}
        if not isinstance(given, dict) or not given.keys() <= bounds.keys():
            raise ValueError
        return {bounds[name]: _moment(text) for name, text in given.items()}
    except (ValueError, OverflowError) as exc:
        raise NotUnderstood('filters: request.timestamp must be {"$gte": …, "$lte": …}') from exc


def _moment(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_FILTERS = {
    "status": lambda _session, value: {"status": _status_here(value)},
    "channelID": _by_channel,
    "clientID": _by_client,
    "request.method": lambda _session, value: {"method": str(value)[:32]},
    "request.path": lambda _session, value: {"path": str(value)[:8192]},
    "response.status": _by_answer,
    "request.timestamp": _by_time,
}
