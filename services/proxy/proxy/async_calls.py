"""Asynchronous calls: what a worker does with an accepted one, and what it may do twice.

A call is claimed under a lease. `sent_at` is committed after the connection stands and before a
byte leaves: without it a call was surely not sent and is made again; with it, a call whose worker
died is made again only where that cannot act twice, else it ends as "outcome unknown".
"""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.backoff import next_attempt

from proxy.gateway.forwarding import IDEMPOTENT_METHODS

#: The doorbell of the proxy's workers.
BELL = "proxy.calls"

FIRST_RETRY = timedelta(seconds=1)
MAX_RETRY = timedelta(minutes=5)

OUTCOME_UNKNOWN = "outcome unknown: the request may have arrived, its answer did not"
INTERRUPTED = "interrupted, outcome unknown"
CHANNEL_GONE = "The channel no longer exists or is not active"


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
