"""How well clients were served: shares within a target time, failures, times per stage.

Only from what the worker has summed up, whole hours; the record itself is not read.
"""

import enum
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.errors import Invalid
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import ClientRollup
from proxy.statistics.rollups import (
    COUNTS,
    EDGES_MS,
    Rollup,
    StagedRollup,
    on_the_hour,
    rolled_up_until,
)

USUAL_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=92)
USUAL_TARGET_MS = 1000.0


class By(enum.StrEnum):
    """What calls are told apart by."""

    CHANNEL_CLIENT = "channel_client"
    CHANNEL = "channel"
    CLIENT = "client"


@dataclass(frozen=True)
class ServiceLevel:
    """Calls of a client on a channel; times in milliseconds, None when no call has ended.

    Percentiles are true to within 5 %, all else but `within` is exact. A name is None where calls
    are not told apart by it; empty: no channel, or nobody.
    """

    channel: str | None
    client: str | None
    count: int
    failures: int
    completed_with_errors: int
    #: The share of ended calls within the target, 0 to 1; between two edges it is interpolated.
    within: float | None
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    match_ms: float | None
    store_ms: float | None
    upstream_ms: float | None

    @property
    def failed(self) -> float:
        """The share of calls that failed, 0 to 1."""
        return self.failures / self.count


@dataclass(frozen=True)
class ServiceReport:
    """The levels of a span, most calls first; it ends with the last hour that is summed up."""

    since: datetime
    until: datetime
    target_ms: float
    levels: list[ServiceLevel]


def service_report(
    session: Session,
    *,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
    target_ms: float = USUAL_TARGET_MS,
    by: By = By.CHANNEL_CLIENT,
    channel: str | None = None,
    client: str | None = None,
    channels: Collection[str] | None = None,
) -> ServiceReport:
    """The calls of the whole hours from `since` to `until`, of `channels` where they are given.

    Raises Invalid: too long, or empty.
    """
    until = until or now
    since = on_the_hour(since or until - USUAL_SPAN)
    if since >= until:
        raise Invalid("since must be before until", {"since": ["Must be before until."]})
    if until - since > LONGEST_SPAN:
        days = LONGEST_SPAN.days
        raise Invalid(f"At most {days} days", {"since": [f"At most {days} days."]})
    known = rolled_up_until(session, ClientRollup)
    end = max(since, min(on_the_hour(until), known or since))
    found: dict[tuple[str | None, str | None], StagedRollup] = defaultdict(StagedRollup)
    for row in _rows(session, since, end, channel, client):
        if channels is not None and row.channel_name not in channels:
            continue
        key = (
            None if by is By.CLIENT else row.channel_name,
            None if by is By.CHANNEL else row.client_name,
        )
        found[key].add(_stored(row))
    levels = [_level(*key, rollup, target_ms) for key, rollup in found.items()]
    levels.sort(key=lambda one: (-one.count, one.channel or "", one.client or ""))
    return ServiceReport(since, end, target_ms, levels)


def _rows(
    session: Session, since: datetime, end: datetime, channel: str | None, client: str | None
) -> Iterator[Any]:
    query = select(*ClientRollup.__table__.columns).where(
        ClientRollup.hour >= since, ClientRollup.hour < end
    )
    if channel is not None:
        query = query.where(ClientRollup.channel_name == channel)
    if client is not None:
        query = query.where(ClientRollup.client_name == client)
    yield from session.execute(query.execution_options(yield_per=1_000))


def _stored(row: Any) -> StagedRollup:
    return StagedRollup(
        row.calls,
        row.failures,
        row.completed,
        row.completed_with_errors,
        row.total_ms,
        list(COUNTS.unpack(zlib.decompress(row.durations))),
        row.match_ms,
        row.upstream_ms,
        row.store_ms,
    )


def _level(
    channel: str | None, client: str | None, rollup: StagedRollup, target_ms: float
) -> ServiceLevel:
    ended = sum(rollup.durations)
    return ServiceLevel(
        channel=channel,
        client=client,
        count=rollup.calls,
        failures=rollup.failures,
        completed_with_errors=rollup.completed_with_errors,
        within=share_within(rollup, target_ms),
        mean_ms=rollup.mean_ms,
        p50_ms=rollup.percentile_ms(50),
        p95_ms=rollup.percentile_ms(95),
        match_ms=rollup.match_ms / ended if ended else None,
        store_ms=rollup.store_ms / ended if ended else None,
        upstream_ms=rollup.upstream_ms / ended if ended else None,
    )


def share_within(rollup: Rollup, target_ms: float) -> float | None:
    """The share of ended calls that took less than the target; None when no call has ended."""
    ended = sum(rollup.durations)
    if not ended:
        return None
    at = bisect_right(EDGES_MS, target_ms * (1 + 1e-9))
    below = float(sum(rollup.durations[:at]))
    if at < len(EDGES_MS):
        low = EDGES_MS[at - 1] if at else 0.0
        part = max(0.0, target_ms - low) / (EDGES_MS[at] - low)
        below += rollup.durations[at] * part
    return min(1.0, below / ended)
