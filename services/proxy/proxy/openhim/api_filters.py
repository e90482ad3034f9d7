"""OpenHIM's filters of a list of calls as ours. Raises NotUnderstood for what is not known here."""

import json
from datetime import UTC, datetime
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import Channel, Client, TransactionStatus
from proxy.openhim.callers import NotUnderstood
from proxy.openhim.requests import id_range
from proxy.openhim.transactions import STATUSES_THERE
from proxy.record.transactions import TransactionFilter


def count(name: str, default: int, most: int) -> int:
    """The whole number that the query says. Raises NotUnderstood."""
    given = request.args.get(name, str(default))
    if not given.isdecimal() or len(given) > 9:
        raise NotUnderstood(f"{name}: must be a whole number")
    if int(given) > most:
        raise NotUnderstood(f"{name}: must be at most {most}")
    return int(given)


def wanted(session: Session, given: str) -> TransactionFilter:
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


def status_here(given: object) -> TransactionStatus:
    """The status that is meant. Raises NotUnderstood."""
    names = {there: here for here, there in STATUSES_THERE.items()}
    found = names.get(given) if isinstance(given, str) else None
    if found is None:
        raise NotUnderstood(f"status: must be one of {', '.join(sorted(names))}")
    return found


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
    "status": lambda _session, value: {"status": status_here(value)},
    "channelID": _by_channel,
    "clientID": _by_client,
    "request.method": lambda _session, value: {"method": str(value)[:32]},
    "request.path": lambda _session, value: {"path": str(value)[:8192]},
    "response.status": _by_answer,
    "request.timestamp": _by_time,
}
