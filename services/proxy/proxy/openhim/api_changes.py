"""What a mediator found out of a call after its answer: read, and kept on record."""

import json
from typing import Any

from common.clock import utc_now
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.container import container
from proxy.models import Channel, Transaction
from proxy.openhim.api_filters import status_here
from proxy.openhim.callers import NotUnderstood
from proxy.record.bodies import stored_copy
from proxy.record.headers import recorded_headers
from proxy.record.later_reports import add_report
from proxy.record.masked_bodies import mask_of
from proxy.record.reports import MOST_PROPERTIES, MOST_STEPS, Report
from proxy.record.rows import MAX_REASON_CHARS, NOT_STORED, Storing, storable
from proxy.statistics.rollup_job import note_changes


def changes_of(given: dict[str, Any]) -> dict[str, Any]:
    """What can be kept of it. Raises NotUnderstood."""
    changes: dict[str, Any] = {}
    if "status" in given:
        changes["status"] = status_here(given["status"])
    error = given.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        changes["error_message"] = storable(error["message"], MAX_REASON_CHARS)
    answer = given.get("response")
    if answer is not None and not isinstance(answer, dict):
        raise NotUnderstood("response: must be an object")
    return changes | (_answer(answer) if answer else {})


def report_of(given: dict[str, Any]) -> tuple[Report, bool] | None:
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


def add(session: Session, found: Transaction, report: Report, replaces: bool) -> None:
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


def apply(session: Session, found: Transaction, changes: dict[str, Any]) -> None:
    """Change the call's row."""
    if "response_body" in changes:
        changes = {**changes, "response_body": _kept_body(session, found, changes)}
    for name, value in changes.items():
        setattr(found, name, value)
    if found.completed_at is None:
        found.completed_at = utc_now()
    if changes:
        note_changes(session, [found.started_at])


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
