"""The mediator's record of calls, under ids that sort by their time.

A call's id here is made of its time and its old id: an import that begins again makes the same one.
Calls that had not ended when they were read stay out until they have; an hour later nobody will end
them any more, and what became of them is not known.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from common.ids import named_id_at
from common.importing.bring import Rows, table_of
from common.importing.report import LeftOut
from common.importing.source import Row, Source

from proxy.django_mediator.tables import CHANNELS, CLIENTS, MEDIATORS, TRANSACTIONS
from proxy.models import FINAL_STATUSES, Transaction, TransactionStatus
from proxy.record.headers import recorded_headers
from proxy.record.masks import masked_query
from proxy.record.rows import storable
from proxy.record.sealing import Sealer
from proxy.statistics.rollup_job import note_changes

INTERRUPTED = "The mediator never ended this call: its outcome is unknown"
GIVEN_UP_AFTER = timedelta(hours=1)
_NOBODY = "unknown"


class Names:
    """What the mediator calls a call's client and channel, and where the channel leads."""

    def __init__(self, source: Source) -> None:
        self.clients = {row["id"]: row["client_id"] for row in source.rows(CLIENTS)}
        urls = {row["id"]: row["endpoint_url"] or "" for row in source.rows(MEDIATORS)}
        channels = source.rows(CHANNELS)
        self.channels = {row["id"]: row["name"] for row in channels}
        self.endpoints = {row["id"]: urls.get(row["mediator_id"], "") for row in channels}


def transactions(
    names: Names, sealer: Sealer, now: datetime, kept: timedelta, max_chars: int
) -> Rows:
    """How the calls of the last `kept` come over; texts are cut to `max_chars`."""
    return Rows(
        kind="transaction",
        table=TRANSACTIONS,
        into=table_of(Transaction),
        convert=lambda row: sealer.seal_bodies(as_transaction(row, names, now, max_chars)),
        key="correlation_id",
        into_id="correlation_id",
        since=("started_at", now - kept),
        why_older=f"older than {kept.days} days",
        after=lambda session, rows: note_changes(session, (row["started_at"] for row in rows)),
    )


def as_transaction(row: Row, names: Names, now: datetime, max_chars: int) -> dict[str, Any]:
    """A row of our record. Raises LeftOut for a call that has not ended, or that has no time."""
    began: datetime | None = row["started_at"]
    if began is None or row["correlation_id"] is None:
        raise LeftOut("has no id or no time")
    ended: datetime | None = row["completed_at"]
    error = row["error_message"] or None
    return {
        "correlation_id": former_transaction_id(row["correlation_id"], began),
        "parent_id": None,
        "channel_name": names.channels.get(row["channel_id"]),
        "client_name": names.clients.get(row["client_id"], _NOBODY),
        "client_address": "",
        "request_method": storable((row["request_method"] or "").upper(), 32),
        **_place(row, names.endpoints.get(row["channel_id"], "")),
        "request_headers": _headers(row["request_headers"]),
        "request_body": storable(row["request_body"] or "", max_chars),
        "request_body_length": None,
        "request_body_whole": False,
        "response_status_code": row["response_status_code"],
        "response_headers": _headers(row["response_headers"]),
        "response_body": storable(row["response_body"] or "", max_chars),
        "response_body_length": None,
        "started_at": began,
        "completed_at": ended,
        "duration_ms": (ended - began) / timedelta(milliseconds=1) if ended else None,
        **_ending(row, began, now, storable(error, max_chars) if error else None),
    }


def former_transaction_id(former: uuid.UUID, began: datetime) -> uuid.UUID:
    """The id here of a call that the mediator called `former`."""
    return named_id_at(began, f"transaction:{former}")


def _ending(row: Row, began: datetime, now: datetime, error: str | None) -> dict[str, Any]:
    status = row["status"]
    if status in FINAL_STATUSES:
        return {"status": TransactionStatus(status), "error_message": error}
    if now - began < GIVEN_UP_AFTER:
        raise LeftOut("has not ended yet: import again")
    return {
        "status": TransactionStatus.FAILED,
        "error_message": INTERRUPTED,
        "completed_at": row["completed_at"] or began,
    }


def _place(row: Row, endpoint_url: str) -> dict[str, Any]:
    """The path and query that came in, and where they went: the mediator kept that URL."""
    url = row["request_url"] or ""
    base = endpoint_url.rstrip("/")
    if base and url.startswith(f"{base}/"):
        target = url[len(base) :]
    else:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}" if parts.netloc and "@" not in url else ""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return {
        "request_url": masked_query(storable(target, len(target))),
        "mediator_url": storable(base, 2048) or None,
    }


def _headers(stored: Any) -> dict[str, Any]:
    pairs = stored if isinstance(stored, Mapping) else {}
    return recorded_headers(_texts(pairs))


def _texts(pairs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in pairs.items():
        yield storable(str(name), 1_000), storable(str(value), 10_000)
