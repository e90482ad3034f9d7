"""Asynchronous calls: stored whole and answered 202, then made by a worker, and what it may repeat.

A call is claimed under a lease. `sent_at` is committed after the connection stands and before a
byte leaves: without it a call was surely not sent and is made again; with it, a call whose worker
died is made again only where that cannot act twice, else it ends as "outcome unknown".
"""

import enum
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common import tracing
from common.http.replies import Reply, json_reply
from common.jobs.backoff import next_attempt
from common.jobs.wake_up import WakeUp

from proxy.gateway.admitted import Admitted
from proxy.gateway.forward import IDEMPOTENT_METHODS
from proxy.gateway.headers import within_trace
from proxy.models import TransactionStatus
from proxy.record.idempotency import digest_of, kept_answer, key_row
from proxy.record.rows import Row
from proxy.record.sealing import RequestCopy, Sealer
from proxy.record.statements import Act
from proxy.record.stored_calls import request_copy
from proxy.record.writer import Rows, Writer

#: The wake-up of the proxy's workers.
WAKE_UP_QUEUE = "proxy.calls"

FIRST_RETRY = timedelta(seconds=1)
MAX_RETRY = timedelta(minutes=5)

OUTCOME_UNKNOWN = "outcome unknown: the request may have arrived, its answer did not"
INTERRUPTED = "interrupted, outcome unknown"
STATUS_URL = "/transactions/{}/"
POLL_AFTER_S = 1

CHANNEL_GONE = "The channel no longer exists or is not active"


class Acceptance:
    """Puts calls where the worker finds them."""

    def __init__(self, writer: Writer, sealer: Sealer, wake_up: WakeUp) -> None:
        self._writer = writer
        self._sealer = sealer
        self._wake_up = wake_up

    async def accept(self, admitted: Admitted) -> Reply:
        """Commit the whole call, wake the worker, answer 202. Raises WriteFailed."""
        call, body = admitted.call, admitted.body
        copy = await request_copy(call, body, is_async=True)
        copy = replace(copy, headers=within_trace(copy.headers))
        reply = accepted_reply(admitted)
        rows = await accepted_rows(self._sealer, admitted, copy)
        if admitted.key is not None:
            digest = digest_of(call, copy.body)
            kept = kept_answer(
                self._sealer, call.correlation_id, reply.status, reply.headers, reply.whole
            )
            rows[Act.KEY] = key_row(call, admitted.client.client_id, admitted.key, digest, kept)
        with tracing.message_span("send", tracing.Kind.PRODUCER, WAKE_UP_QUEUE, None):
            await self._writer.write(rows)
        self._wake_up.send()
        return reply


async def accepted_rows(sealer: Sealer, admitted: Admitted, copy: RequestCopy) -> Rows:
    """A call that a worker will make, as it is stored."""
    call_id = admitted.call.correlation_id
    started = await admitted.started_row(TransactionStatus.PENDING, owner=None)
    return {
        Act.START: sealer.seal_bodies(started, admitted.literal),
        Act.STORE: sealer.row(call_id, copy),
        Act.ACCEPT: _work_row(admitted),
    }


def accepted_reply(admitted: Admitted) -> Reply:
    """202 with the address of the call's state."""
    url = STATUS_URL.format(admitted.correlation_id)
    body = {
        "ok": True,
        "accepted": True,
        "message": "The call was accepted and will be made; ask for its state",
        "correlation_id": admitted.correlation_id,
        "status_url": url,
    }
    headers = [
        ("Location", url),
        ("Retry-After", str(POLL_AFTER_S)),
        ("Preference-Applied", "respond-async"),
    ]
    return json_reply(202, body, admitted.correlation_id, headers=headers)


def _work_row(admitted: Admitted) -> Row:
    return {
        "correlation_id": admitted.call.correlation_id,
        "channel_id": admitted.channel.id if admitted.channel else None,
        "esb": admitted.esb and admitted.esb.address,
        "has_idempotency_key": admitted.key is not None,
        "next_attempt_at": admitted.call.started_at,
        "attempt_count": 0,
        "lease_until": None,
        "lease_token": None,
        "sent_at": None,
    }


class Trouble(enum.Enum):
    """How an attempt ended without an answer."""

    NOT_SENT = "not sent"  # no connection was made
    MAY_HAVE_ARRIVED = "may have arrived"  # the request left, in whole or in part


@dataclass(frozen=True)
class Again:
    """Try again at this time."""

    at: datetime


@dataclass(frozen=True)
class GiveUp:
    """End as failed for this reason."""

    reason: str


def may_repeat(method: str, has_idempotency_key: bool, *, is_esb: bool) -> bool:
    """Whether a request that may have arrived can be sent again without acting twice."""
    return not is_esb and (method in IDEMPOTENT_METHODS or has_idempotency_key)


def after_trouble(
    trouble: Trouble,
    reason: str,
    *,
    attempts: int,
    max_attempts: int,
    repeatable: bool,
    now: datetime,
) -> Again | GiveUp:
    """What follows an attempt without an answer; `attempts` counts this one."""
    if trouble is Trouble.MAY_HAVE_ARRIVED and not repeatable:
        return GiveUp(OUTCOME_UNKNOWN)
    if attempts >= max_attempts:
        return GiveUp(f"{reason} (after {attempts} attempts)")
    return Again(next_attempt(attempts, now, first=FIRST_RETRY, cap=MAX_RETRY))


@dataclass(frozen=True)
class Claimed:
    """One call in this worker's hands; `was_sent` by a worker that is gone."""

    correlation_id: uuid.UUID
    token: uuid.UUID
    attempts: int
    was_sent: bool
    channel_id: uuid.UUID | None
    esb: dict[str, str] | None
    has_idempotency_key: bool
