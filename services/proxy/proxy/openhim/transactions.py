"""Calls on OpenHIM's record come over, under ids that sort by their time.

A call's id here is made of its time and its id there, which stays as its property `openhim_id`: an
import that begins again makes the same one. Calls that have not ended there stay out until they
have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.db.database import insert_into
from common.ids import lowest_id_at, named_id_at
from common.importing.bring import Target
from common.importing.former import known_of, remember
from common.importing.report import LeftOut, Report
from sqlalchemy import Table
from sqlalchemy.orm import Session

from proxy.container import Container
from proxy.models import (
    FormerRecord,
    Transaction,
    TransactionProperty,
    TransactionReport,
    TransactionStatus,
)
from proxy.openhim.documents import CHANNELS, CLIENTS, Export
from proxy.openhim.reading import Document, moment_of, text
from proxy.record.bodies import stored_copy
from proxy.record.headers import recorded_headers
from proxy.record.masks import masked_query
from proxy.record.reports import MOST_PROPERTIES, MOST_STEPS, header_pairs, recorded, report_rows
from proxy.record.reports import Report as CallReport
from proxy.record.rows import MAX_REASON_CHARS, Row, Storing, storable
from proxy.statistics.rollup_job import note_changes

#: What they are noted as: where the record is searched by a former id, these are found, too.
KIND = "transaction"
ID_PROPERTY = "openhim_id"
_REPORTED_AS = "openhim transaction"
_UNKNOWN = "unknown"
_MAX_NAME_CHARS, _MAX_METHOD_CHARS, _MAX_URL_CHARS = 255, 32, 8192

STATUSES_THERE = {
    TransactionStatus.SUCCESSFUL: "Successful",
    TransactionStatus.COMPLETED: "Completed",
    TransactionStatus.COMPLETED_WITH_ERRORS: "Completed with error(s)",
    TransactionStatus.FAILED: "Failed",
}
_HERE = {there: here for here, there in STATUSES_THERE.items()}


@dataclass(frozen=True)
class Names:
    """What OpenHIM's ids of channels and clients stand for."""

    channels: Mapping[str, str]
    clients: Mapping[str, str]

    @classmethod
    def of(cls, export: Export) -> "Names":
        """Of what was read of the same OpenHIM."""
        channels, clients = export.records[CHANNELS], export.records[CLIENTS]
        return cls(
            {text(one, "_id"): text(one, "name") for one in channels},
            {text(one, "_id"): text(one, "clientID") for one in clients},
        )


@dataclass(frozen=True)
class Translated:
    """A call's rows."""

    transaction: Row
    report: Row
    properties: list[Row]


def bring_transactions(
    process: Container,
    pages: Iterable[Sequence[Document]],
    names: Names,
    report: Report,
    now: datetime,
    *,
    is_dry_run: bool = False,
) -> None:
    """Let the calls of `pages` come over that are not here yet. Repeat it at will."""
    target = Target(process.database, FormerRecord, is_dry_run=is_dry_run)
    counts = report.of(_REPORTED_AS)
    counts.before = target.count(_table(Transaction))
    kept = timedelta(days=process.settings.transaction_retention_days)
    for documents in pages:
        counts.there += len(documents)
        with target.reading() as session:
            ids = [text(one, "_id") for one in documents]
            known = known_of(session, FormerRecord, KIND, ids)
        news = [one for one in documents if text(one, "_id") not in known]
        counts.unchanged += len(documents) - len(news)
        calls = _translated_all(process, news, names, report, now - kept)
        counts.new += len(calls)
        if calls and not is_dry_run:
            with target.writing() as session:
                _save(session, calls)
    counts.after = target.count(_table(Transaction))


def _table(model: type[Any]) -> Table:
    found: Table = model.__table__
    return found


def _translated_all(
    process: Container,
    documents: Sequence[Document],
    names: Names,
    report: Report,
    oldest: datetime,
) -> dict[str, Translated]:
    found = {}
    for document in documents:
        former_id = text(document, "_id")
        try:
            call = translated(process, document, names)
            if call.transaction["correlation_id"] < lowest_id_at(oldest):
                raise LeftOut("older than what is kept: TRANSACTION_RETENTION_DAYS")
            found[former_id] = call
        except LeftOut as exc:
            report.left_out(_REPORTED_AS, former_id, str(exc))
    return found


def _save(session: Session, calls: Mapping[str, Translated]) -> None:
    rows = (
        (Transaction, [one.transaction for one in calls.values()]),
        (TransactionReport, [one.report for one in calls.values()]),
        (TransactionProperty, [row for one in calls.values() for row in one.properties]),
    )
    for model, some in rows:
        session.execute(insert_into(session, model).on_conflict_do_nothing(), some)
    noted = [
        {
            "kind": KIND,
            "former_id": former_id,
            "record_id": one.transaction["correlation_id"],
            "digest": "",
        }
        for former_id, one in calls.items()
    ]
    remember(session, FormerRecord, noted)
    note_changes(session, (one.transaction["started_at"] for one in calls.values()))


def translated(process: Container, document: Document, names: Names) -> Translated:
    """A call as rows of our record. Raises LeftOut."""
    former_id, asked = text(document, "_id"), _object(document, "request")
    began = moment_of(asked.get("timestamp"))
    status = _HERE.get(text(document, "status"))
    if not former_id or began is None:
        raise LeftOut("has no id or no time")
    if status is None:
        raise LeftOut("has not ended there: import again")
    correlation_id = named_id_at(began, f"openhim transaction:{former_id}")
    max_chars = process.settings.stored_body_max_chars
    report = _report(document)
    kept, found = report_rows(process.sealer, correlation_id, recorded(report, Storing(max_chars)))
    properties = {one["name"]: one for one in (found["rows"] if found else ())}
    properties[ID_PROPERTY] = {
        "correlation_id": correlation_id,
        "name": ID_PROPERTY,
        "value": storable(former_id, _MAX_METHOD_CHARS),
    }
    row = {
        "correlation_id": correlation_id,
        "status": status,
        "channel_name": names.channels.get(text(document, "channelID")),
        "client_name": _client(text(document, "clientID"), names),
        "client_address": storable(text(document, "clientIP"), 64),
        "error_message": storable(report.reason, MAX_REASON_CHARS) if report.reason else None,
        "started_at": began,
        **_request(asked, max_chars),
        **_response(_object(document, "response"), began, max_chars),
    }
    return Translated(process.sealer.seal_bodies(row), kept["rows"][0], list(properties.values()))


def _client(there: str, names: Names) -> str:
    """Empty for nobody."""
    return storable(names.clients.get(there, _UNKNOWN), _MAX_NAME_CHARS) if there else ""


def _request(asked: Document, max_chars: int) -> Row:
    path, query = text(asked, "path") or "/", text(asked, "querystring")
    return {
        "request_method": storable(text(asked, "method").upper(), _MAX_METHOD_CHARS),
        "request_url": storable(path + masked_query(f"?{query}" if query else ""), _MAX_URL_CHARS),
        "request_headers": recorded_headers(header_pairs(_object(asked, "headers"))),
        "request_body": _body(asked, max_chars),
        "request_body_length": None,
        "request_body_whole": False,
    }


def _response(answered: Document, began: datetime, max_chars: int) -> Row:
    status = answered.get("status")
    is_status = isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599
    ended = moment_of(answered.get("timestamp"))
    return {
        "response_status_code": status if is_status else None,
        "response_headers": recorded_headers(header_pairs(_object(answered, "headers"))),
        "response_body": _body(answered, max_chars),
        "response_body_length": None,
        "completed_at": ended or began,
        "duration_ms": max(0.0, (ended - began) / timedelta(milliseconds=1)) if ended else None,
    }


def _body(side: Document, max_chars: int) -> str:
    headers = {name.lower(): value for name, value in _object(side, "headers").items()}
    raw = text(side, "body").encode("utf-8", "replace")
    kind = str(headers.get("content-type", "text/plain"))
    return storable(stored_copy(raw, len(raw), kind, "", max_chars), max_chars * 2)


def _report(document: Document) -> CallReport:
    steps = document.get("orchestrations")
    listed = [one for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []
    properties = list(_object(document, "properties").items())[:MOST_PROPERTIES]
    return CallReport(
        orchestrations=listed[:MOST_STEPS],
        properties={str(name): str(value) for name, value in properties},
        error=_object(document, "error") or None,
    )


def _object(document: Document, name: str) -> Document:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
