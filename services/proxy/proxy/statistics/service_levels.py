"""How well clients were served: shares within a target time, failures, times per stage.

Only from what the worker has summed up, whole hours; the record itself is not read.
"""

import enum
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.errors import Invalid
from common.texts import _
from sqlalchemy.orm import Session

from proxy.statistics.rollups import (
    EDGES_MS,
    HOUR,
    Rollup,
    StagedRollup,
    on_the_hour,
    rolled_up_until,
)
from proxy.statistics.stored import (
    CLIENTS,
    DAY,
    MEDIATORS,
    calls_in_steps,
    on_the_day,
    parts,
    summed,
)

USUAL_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=92)
USUAL_TARGET_MS = 1000.0


class By(enum.StrEnum):
    """What calls are told apart by."""

    CHANNEL_CLIENT = "channel_client"
    CHANNEL = "channel"
    CLIENT = "client"
    MEDIATOR = "mediator"
    STATUS = "status"


class Order(enum.StrEnum):
    """Which levels come first."""

    CALLS = "calls"  # most calls
    FAILURES = "failures"  # most failures
    FAILED = "failed"  # the greatest share of failures
    SLOWEST = "slowest"  # the highest 95th percentile


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
    #: The mediator's endpoint, and how calls ended, where they are told apart by it.
    mediator: str | None = None
    status: str | None = None
    #: 1: all satisfied. Ended within the target: 1, within four times of it: 1/2; failed: 0,
    #: taking failed calls to be as quick as the others.
    apdex: float | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """All that calls may be told apart by."""
        return self.channel, self.client, self.mediator, self.status

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
    order: Order = Order.CALLS,
    channel: str | None = None,
    client: str | None = None,
    channels: Collection[str] | None = None,
) -> ServiceReport:
    """The calls of the whole hours from `since` to `until`, of `channels` where they are given.

    Raises Invalid: too long, or empty.
    """
    until = until or now
    since = on_the_hour(since) if since else on_the_day(until - USUAL_SPAN)
    if since >= until:
        raise Invalid(_("since must be before until"), {"since": [_("Must be before until.")]})
    if until - since > LONGEST_SPAN:
        days = LONGEST_SPAN.days
        raise Invalid(
            _("At most %(days)s days", days=days),
            {"since": [_("At most %(days)s days.", days=days)]},
        )
    tables = MEDIATORS if by in (By.MEDIATOR, By.STATUS) else CLIENTS
    if tables is MEDIATORS and (channel or client or channels is not None):
        reason = _("Mediators and statuses are not told apart by channel or client.")
        raise Invalid(f"by: {reason}", {"by": [reason]})
    known = rolled_up_until(session, tables.hourly)
    end = max(since, min(on_the_hour(until), known or since))
    found = summed(
        session,
        tables,
        _GROUPED_BY[by],
        parts(session, tables, since, end),
        **_wanted(channel, client, channels),
    )
    levels = [
        _level(dict(zip(_GROUPED_BY[by], key, strict=True)), rollup, target_ms)
        for key, rollup in found.items()
    ]
    levels.sort(key=lambda one: [name or "" for name in one.names])
    levels.sort(key=lambda one: (-_rank(one, order), -one.count))
    return ServiceReport(since, end, target_ms, levels)


@dataclass(frozen=True)
class Step:
    """The calls of an hour or a day."""

    start: datetime
    end: datetime
    count: int
    failures: int


def timeline(
    session: Session,
    report: ServiceReport,
    filters: Mapping[str, Any],
    channels: Collection[str] | None = None,
) -> list[Step]:
    """The report's calls by the hour, of more than two days by the day; oldest first.

    Of `filters` those of channel and client count; of `channels` where they are given.
    """
    names = _wanted(filters.get("channel"), filters.get("client"), channels)
    is_hourly = report.until - report.since <= timedelta(days=2)
    step, first = (HOUR, report.since) if is_hourly else (DAY, on_the_day(report.since))
    found = calls_in_steps(session, CLIENTS, report.since, report.until, step, **names)
    starts = [first + step * number for number in range(-((first - report.until) // step))]
    return [Step(one, one + step, *found.get(one, (0, 0))) for one in starts]


def _wanted(
    channel: str | None, client: str | None, channels: Collection[str] | None
) -> dict[str, Any]:
    """The values of columns that are asked for, of `channels` only where they are given."""
    asked = {"client_name": client} if client is not None else {}
    if channels is not None and channel is not None:
        return {**asked, "channel_name": {channel} & set(channels)}
    within = channels if channel is None else channel
    return asked if within is None else {**asked, "channel_name": within}


#: The columns that calls are told apart by.
_GROUPED_BY = {
    By.CHANNEL_CLIENT: ("channel_name", "client_name"),
    By.CHANNEL: ("channel_name",),
    By.CLIENT: ("client_name",),
    By.MEDIATOR: ("mediator_url",),
    By.STATUS: ("status",),
}


def _rank(level: ServiceLevel, order: Order) -> float:
    ranks = {
        Order.CALLS: float(level.count),
        Order.FAILURES: float(level.failures),
        Order.FAILED: level.failed,
        Order.SLOWEST: level.p95_ms or 0.0,
    }
    return ranks[order]


def _level(key: Mapping[str, str | None], rollup: StagedRollup, target_ms: float) -> ServiceLevel:
    ended = sum(rollup.durations)
    return ServiceLevel(
        channel=key.get("channel_name"),
        client=key.get("client_name"),
        mediator=key.get("mediator_url"),
        status=key.get("status"),
        apdex=apdex(rollup, target_ms),
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


def apdex(rollup: Rollup, target_ms: float) -> float | None:
    """The Apdex of calls; None when none has ended."""
    satisfied, tolerated = (share_within(rollup, target_ms * times) for times in (1, 4))
    if satisfied is None or tolerated is None:
        return None
    return (satisfied + tolerated) / 2 * (1 - rollup.failures / rollup.calls)


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
