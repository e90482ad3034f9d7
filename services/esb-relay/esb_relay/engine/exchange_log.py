"""The rows of the exchange log: one is committed before anything leaves, its end before the answer.

Bodies are kept only where the installation says so; sizes and digests always are.
"""

import enum
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from common.clock import utc_now
from common.db.group_commit import GroupCommit, Row
from common.db.rows.statements import Change, Insert, Statement
from common.ids import new_id
from sqlalchemy import Engine, Table

from esb_relay.engine.outcomes import Outcome
from esb_relay.models import Direction, Exchange, ExchangeMode, ExchangeStatus
from esb_relay.wire.terms import Format

MAX_NAME = 255
MAX_ERROR = 2_000

_exchanges = cast(Table, Exchange.__table__)
_ENDED = (
    "request_id",
    "status",
    "http_status",
    "attempts",
    "verified_by",
    "kid",
    "error",
    "completed_at",
    "engine_ms",
    "duration_ms",
    "answer_bytes",
    "answer_digest",
    "answer_body",
)


class Act(enum.Enum):
    """What a row does to the log."""

    START = "start"
    END = "end"


STATEMENTS: dict[Act, Statement] = {
    Act.START: Insert(_exchanges),
    Act.END: Change(_exchanges, _ENDED),
}


class ExchangeWriter(GroupCommit[Act]):
    """Commits the log of a process."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, STATEMENTS)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of an exchange before anything leaves; `envelope` is what asks."""

    direction: Direction
    mode: ExchangeMode
    code: str
    organization: str | None
    caller: str
    correlation_id: str
    format: Format
    envelope: bytes = field(repr=False)
    request_id: str | None = None
    #: Too late afterwards: nothing is sent any more. None: as long as one exchange may take.
    send_before: datetime | None = None
    id: uuid.UUID = field(default_factory=new_id)
    started_at: datetime = field(default_factory=utc_now)
    started_ns: int = field(default_factory=time.perf_counter_ns)


def started_row(beginning: Beginning, *, store_bodies: bool) -> Row:
    """The row that is committed first."""
    return {
        "id": beginning.id,
        "direction": beginning.direction,
        "mode": beginning.mode,
        "code": storable(beginning.code, MAX_NAME),
        "organization": storable(beginning.organization, MAX_NAME),
        "caller": storable(beginning.caller, MAX_NAME),
        "correlation_id": beginning.correlation_id,
        "request_id": beginning.request_id,
        "format": beginning.format,
        "status": ExchangeStatus.SENDING,
        "attempts": 0,
        "started_at": beginning.started_at,
        "request_bytes": len(beginning.envelope),
        "request_digest": digest(beginning.envelope),
        "request_body": as_text(beginning.envelope) if store_bodies else None,
    }


def ended_row(
    beginning: Beginning,
    outcome: Outcome,
    *,
    attempts: int,
    engine_ms: float | None,
    store_bodies: bool,
) -> Row:
    """What is known when the exchange has ended."""
    received, answer = outcome.received, outcome.answer
    request_id = answer.request_id if answer is not None else None
    return {
        "key_id": beginning.id,
        "request_id": storable(request_id, MAX_NAME) or beginning.request_id,
        "status": outcome.status,
        "http_status": outcome.http_status,
        "attempts": attempts,
        "verified_by": outcome.verified.verified_by if outcome.verified else None,
        "kid": outcome.verified.kid if outcome.verified else None,
        "error": storable(outcome.reason, MAX_ERROR),
        "completed_at": utc_now(),
        "engine_ms": engine_ms,
        "duration_ms": ms_since(beginning.started_ns),
        "answer_bytes": len(received) if received is not None else None,
        "answer_digest": digest(received) if received is not None else None,
        "answer_body": as_text(received) if store_bodies and received is not None else None,
    }


def digest(raw: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(raw).hexdigest()


def as_text(raw: bytes) -> str:
    """Bytes as a text that both databases take."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def storable(text: str | None, limit: int) -> str | None:
    """At most `limit` characters of a text, without what PostgreSQL refuses."""
    return None if text is None else text[:limit].replace("\0", "\ufffd")


def ms_since(start_ns: int) -> float:
    """Milliseconds since a reading of `time.perf_counter_ns`."""
    return round((time.perf_counter_ns() - start_ns) / 1e6, 3)
