"""Rows of the transaction log: made from a call, its answer and its end. Pure."""

import json
import re
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.clock import utc_now

from proxy.gateway.bodies import is_exact_copy, stored_copy
from proxy.gateway.call import Body, Call
from proxy.gateway.headers import MASK, recorded_headers
from proxy.models import TransactionStatus

Row = dict[str, Any]

NOT_STORED = "<not stored>"
MAX_REASON_CHARS = 2048
MAX_EXCHANGE_ID_CHARS = 64

_SECRET_PARAMETERS = re.compile(
    r"(?i)(?P<name>(?:^|[?&])(?:access_token|api_?key|client_secret|password|secret|token)=)[^&]*"
)


def recorded_url(call: Call) -> str:
    """The request target with the values of parameters masked that are secrets by their name."""
    if not call.raw_query:
        return call.raw_path
    return call.raw_path + _SECRET_PARAMETERS.sub(rf"\g<name>{MASK}", f"?{call.raw_query}")


def storable(text: str, max_chars: int) -> str:
    """Text that both databases take, of at most `max_chars`."""
    clean = text[:max_chars].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Storing:
    """How much of the bodies is kept."""

    max_chars: int
    request_body: bool = True
    response_body: bool = True


def started_row(
    call: Call,
    body: Body,
    *,
    channel_name: str | None,
    client_name: str,
    organization: str | None,
    status: TransactionStatus,
    owner: str | None,
    storing: Storing,
) -> Row:
    """The row that is committed before anything leaves."""
    content_type = call.headers.get("Content-Type", "")
    encoding = call.headers.get("Content-Encoding", "")
    copy = NOT_STORED if body.head else ""
    exact = not body.head
    if storing.request_body and body.head:
        total = len(body.head) if body.is_whole else body.length
        copy = stored_copy(body.head, total, content_type, encoding, storing.max_chars)
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
        "request_headers": recorded_headers(call.headers.items()),
        "request_body": copy,
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
        return round((time.perf_counter_ns() - self.started_ns) / 1e6, 3)


def ms_since(start_ns: int) -> float:
    """Milliseconds since a reading of `time.perf_counter_ns`."""
    return round((time.perf_counter_ns() - start_ns) / 1e6, 3)


def ended_row(
    correlation_id: uuid.UUID,
    status: TransactionStatus,
    watch: Stopwatch,
    *,
    response_status_code: int | None = None,
    response_headers: dict[str, Any] | None = None,
    response_body: str | None = None,
    error_message: str | None = None,
    esb_exchange_id: str | None = None,
    now: datetime | None = None,
) -> Row:
    """What is known when a call has ended."""
    return {
        "key_correlation_id": correlation_id,
        "status": status,
        "response_status_code": response_status_code,
        "response_headers": response_headers,
        "response_body": response_body,
        "error_message": error_message and storable(error_message, MAX_REASON_CHARS),
        "esb_exchange_id": esb_exchange_id and storable(esb_exchange_id, MAX_EXCHANGE_ID_CHARS),
        "completed_at": now or utc_now(),
        "match_ms": watch.match_ms,
        "upstream_ms": watch.upstream_ms,
        "store_ms": watch.store_ms,
        "duration_ms": watch.total_ms(),
    }


def status_for(response_status_code: int) -> TransactionStatus:
    """2xx and 3xx are successes."""
    if 200 <= response_status_code < 400:
        return TransactionStatus.SUCCESSFUL
    return TransactionStatus.FAILED


def problem_bytes(problem: dict[str, Any]) -> bytes:
    """A problem object as it is sent."""
    return json.dumps(problem).encode()
