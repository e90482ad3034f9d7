"""Rows of the transaction log: made from a call, its answer and its end. Pure."""

import json
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.clock import utc_now
from common.http.replies import Fields

from proxy.gateway.call import Body, Call
from proxy.models import TransactionStatus
from proxy.models.sealed import NOT_STORED as NOT_STORED
from proxy.record.bodies import MASKED_CHARS, Mask, is_exact_copy, stored_copy
from proxy.record.headers import recorded_headers
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.masks import masked_path, masked_query

Row = dict[str, Any]


#: Why a call failed whose mediator answered with an error.
ANSWERED = "The mediator answered {}"
MAX_REASON_CHARS = 2048
MAX_EXCHANGE_ID_CHARS = 64


def recorded_url(call: Call) -> str:
    """The request target, with masks in its path and for parameters that are secrets by name."""
    path = masked_path(call.raw_path)
    if not call.raw_query:
        return path
    return path + masked_query(f"?{call.raw_query}")


def storable(text: str, max_chars: int) -> str:
    """Text that both databases take, of at most `max_chars`."""
    clean = text[:max_chars].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode()


class Storing(NamedTuple):
    """How much of the bodies is kept."""

    max_chars: int
    request_body: bool = True
    response_body: bool = True
    #: What is kept of a whole text; None: all of it.
    mask: Mask | None = None

    async def request_copy(self, pairs: Fields, head: bytes, total_bytes: int | None) -> str:
        """What is kept of a request's body of which `head` is the beginning (or all)."""
        return await self._copy(pairs, head, total_bytes, is_kept=self.request_body)

    async def response_copy(self, pairs: Fields, head: bytes, total_bytes: int | None) -> str:
        """The same for a response's."""
        return await self._copy(pairs, head, total_bytes, is_kept=self.response_body)

    async def _copy(
        self, pairs: Fields, head: bytes, total_bytes: int | None, *, is_kept: bool
    ) -> str:
        if not head or not is_kept:
            return NOT_STORED if head else ""
        first = {name.lower(): value for name, value in reversed(pairs)}
        media, encoding = first.get("content-type", ""), first.get("content-encoding", "")
        given = (head, total_bytes, media, encoding, self.max_chars)
        if self.mask is None:
            return stored_copy(*given)
        # How much is packed in nobody knows.
        size_bytes = MASKED_CHARS if encoding else len(head)
        return await heavy_bodies.ask(size_bytes, stored_copy, *given, self.mask)


async def started_row(
    call: Call,
    body: Body,
    *,
    channel_name: str | None,
    client_name: str,
    organization: str | None,
    status: TransactionStatus,
    owner: str | None,
    storing: Storing,
    mediator_url: str | None = None,
) -> Row:
    """The row that is committed before anything leaves."""
    total = len(body.head) if body.is_whole else body.length
    pairs = list(call.headers.items())
    copy = await storing.request_copy(pairs, body.head, total)
    exact = not body.head
    if storing.request_body and body.head:
        encoding = call.headers.get("Content-Encoding", "")
        exact = body.is_whole and is_exact_copy(copy, body.head, encoding)
    return {
        "correlation_id": call.correlation_id,
        "parent_id": call.parent_id,
        "channel_name": channel_name,
        "client_name": client_name,
        "client_address": call.address,
        "organization": organization,
        "status": status,
        "request_method": call.method,
        "request_url": recorded_url(call),
        "request_headers": recorded_headers(pairs),
        "request_head": None,
        "mediator_url": mediator_url,
        "request_body": copy,
        "request_body_length": total,
        "request_body_whole": exact,
        "owner": owner,
        "started_at": call.started_at,
    }


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds spent per stage of one call."""

    started_ns: int
    match_ms: float = 0.0
    upstream_ms: float = 0.0
    store_ms: float = 0.0

    def total_ms(self) -> float:
        """Since the call came in."""
        return ms_since(self.started_ns)


def ms_since(start_ns: int) -> float:
    """Milliseconds since a reading of `time.perf_counter_ns`, to the microsecond."""
    return (time.perf_counter_ns() - start_ns) // 1000 / 1000


def ended_row(
    correlation_id: uuid.UUID,
    status: TransactionStatus,
    watch: Stopwatch,
    *,
    response_status_code: int | None = None,
    response_headers: dict[str, Any] | None = None,
    response_body: str | None = None,
    response_body_length: int | None = None,
    error_message: str | None = None,
    esb_exchange_id: str | None = None,
    now: datetime | None = None,
) -> Row:
    """What is known when a call has ended; one that failed says why."""
    if status is TransactionStatus.FAILED and response_status_code and not error_message:
        error_message = ANSWERED.format(response_status_code)
    return {
        "key_correlation_id": correlation_id,
        "status": status,
        "response_status_code": response_status_code,
        "response_headers": response_headers,
        "response_head": None,
        "response_body": response_body,
        "response_body_length": response_body_length,
        "error_message": error_message and storable(error_message, MAX_REASON_CHARS),
        "esb_exchange_id": esb_exchange_id and storable(esb_exchange_id, MAX_EXCHANGE_ID_CHARS),
        "completed_at": now or utc_now(),
        "match_ms": watch.match_ms,
        "upstream_ms": watch.upstream_ms,
        "store_ms": watch.store_ms,
        "duration_ms": watch.total_ms(),
    }


def problem_bytes(problem: dict[str, Any]) -> bytes:
    """A problem object as it is sent."""
    return json.dumps(problem).encode()
