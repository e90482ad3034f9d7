"""What a mediator reports of a call besides its answer: steps it took, properties, an error.

Steps are kept in OpenHIM's own form (`orchestrations`), with secrets masked and bodies shortened as
those of the call itself. All is sealed but the properties: they are what a call is found by.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from proxy.models import (
    Transaction,
    TransactionProperty,
    TransactionReport,
    TransactionStatus,
)
from proxy.record import masks
from proxy.record.bodies import SHORTENED_MARK
from proxy.record.headers import recorded_headers
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.rows import NOT_STORED, Row, Storing, storable
from proxy.record.sealing import Sealer

MOST_STEPS = 200
MOST_PROPERTIES = 100
MAX_NAME_CHARS = 128
MAX_VALUE_CHARS = 512
#: Of a name, a URL or an error.
MAX_WORDS_CHARS = 2048
#: The part of a report that is the mediator's own; secondary routes follow.
OWN_PART = 0

Document = dict[str, Any]
#: What is kept of a report, and its properties.
Recorded = tuple[Document, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it came, read but not yet fit for the record."""

    urn: str = ""
    status: TransactionStatus | None = None
    orchestrations: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    error: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def reason(self) -> str | None:
        """The error's message."""
        message = (self.error or {}).get("message")
        return str(message) if message else None

    @property
    def size_chars(self) -> int:
        """How long its bodies are."""
        sides = (one.get(name) for one in self.orchestrations for name in ("request", "response"))
        bodies = (one.get("body") for one in sides if isinstance(one, Mapping))
        return sum(len(one if isinstance(one, str) else str(one)) for one in bodies)


@dataclass(frozen=True)
class KeptReport:
    """All reports of a call as people read them."""

    urn: str = ""
    orchestrations: list[Document] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    error: Document | None = None
    #: Whether there is more, sealed under a key that is gone.
    is_locked: bool = False


def recorded(report: Report, storing: Storing) -> Recorded:
    """What is kept of a report."""
    document = {
        "urn": storable(report.urn, MAX_WORDS_CHARS),
        "orchestrations": [recorded_step(one, storing) for one in report.orchestrations],
        "error": _recorded_error(report.error),
    }
    return document, _recorded_properties(report.properties)


async def recorded_elsewhere(report: Report, storing: Storing) -> Recorded:
    """The same, off the loop where a mask looks through much."""
    size_chars = report.size_chars if storing.mask is not None else 0
    return await heavy_bodies.ask(size_chars, recorded, report, storing)


def report_rows(
    sealer: Sealer, correlation_id: uuid.UUID, kept: Recorded
) -> tuple[Row, Row | None]:
    """The rows of a report: the sealed part, and the properties where there are any."""
    document, properties = kept
    sealed = {"rows": [sealer.report_row(correlation_id, OWN_PART, document)]}
    found = [
        {"correlation_id": correlation_id, "name": name, "value": value}
        for name, value in properties.items()
    ]
    return sealed, {"rows": found} if found else None


def recorded_step(step: Mapping[str, Any], storing: Storing) -> Document:
    """One step as it is kept."""
    kept: Document = {
        "name": _words(step.get("name")),
        "group": _words(step.get("group")),
        "request": _recorded_side(step.get("request"), storing, storing.request_body),
        "response": _recorded_side(step.get("response"), storing, storing.response_body),
        "error": _recorded_error(step.get("error")),
    }
    return {name: value for name, value in kept.items() if value}


def reports_of(session: Session, sealer: Sealer, correlation_id: uuid.UUID) -> KeptReport:
    """What is kept of a call's reports."""
    stored = session.scalars(
        select(TransactionReport)
        .where(TransactionReport.correlation_id == correlation_id)
        .order_by(TransactionReport.part)
    ).all()
    properties = session.scalars(
        select(TransactionProperty)
        .where(TransactionProperty.correlation_id == correlation_id)
        .order_by(TransactionProperty.name)
    )
    opened = [sealer.open_report(one) for one in stored]
    found = [one for one in opened if one is not None]
    return KeptReport(
        urn=next((one["urn"] for one in found if one.get("urn")), ""),
        orchestrations=[step for one in found for step in one.get("orchestrations", ())],
        properties={one.name: one.value for one in properties},
        error=next((one["error"] for one in found if one.get("error")), None),
        is_locked=len(found) < len(opened),
    )


def with_reports(session: Session, sealer: Sealer, call: Transaction) -> Document:
    """A call with everything that is on record, by the names of its columns."""
    kept = reports_of(session, sealer, call.correlation_id)
    columns = {attr.key: getattr(call, attr.key) for attr in inspect(Transaction).column_attrs}
    return {
        **columns,
        "mediator_urn": kept.urn,
        "orchestrations": kept.orchestrations,
        "properties": kept.properties,
        "mediator_error": kept.error,
    }


def _recorded_side(side: Any, storing: Storing, keeps_body: bool) -> Document | None:
    """A step's request or response."""
    if not isinstance(side, Mapping):
        return None
    kept: Document = {}
    for name in ("host", "port", "path", "method", "status", "timestamp"):
        if side.get(name) not in (None, ""):
            kept[name] = _scalar(side[name])
    query = side.get("querystring")
    if query:
        kept["querystring"] = masks.masked_query(_words(query))
    if "path" in kept:
        kept["path"] = _masked_path(str(kept["path"]))
    headers = side.get("headers")
    if isinstance(headers, Mapping) and headers:
        kept["headers"] = recorded_headers(header_pairs(headers))
    body = side.get("body")
    if body not in (None, ""):
        kept["body"] = _body(body, storing) if keeps_body else NOT_STORED
    return kept


def _masked_path(path: str) -> str:
    before, mark, query = path.partition("?")
    before = masks.masked_path(before)
    return before + masks.masked_query(mark + query) if mark else before


def header_pairs(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Headers of a JSON object as pairs; a list is several values."""
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(_words(name), _words(one)) for one in values]
    return pairs


def _body(body: Any, storing: Storing) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if storing.mask is not None:
        text = storing.mask(text)
    kept = storable(text, storing.max_chars)
    return kept + SHORTENED_MARK if len(text) > storing.max_chars else kept


def _scalar(value: Any) -> Any:
    return value if isinstance(value, int | float) else _words(value)


def _words(value: Any) -> str:
    return storable("" if value is None else str(value), MAX_WORDS_CHARS)


def _recorded_error(error: Any) -> Document | None:
    if not error:
        return None
    if not isinstance(error, Mapping):
        return {"message": _words(error)}
    kept = {name: _words(error[name]) for name in ("message", "stack") if error.get(name)}
    return kept or None


def _recorded_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Names and values that can be found; those that are secrets by their name are masked."""
    kept = {}
    for name, value in list(properties.items())[:MOST_PROPERTIES]:
        is_secret = name.lower() in masks.HEADERS or name.lower() in masks.PARAMETERS
        shown = masks.MASK if is_secret else storable(value, MAX_VALUE_CHARS)
        kept[storable(name, MAX_NAME_CHARS)] = shown
    return kept
