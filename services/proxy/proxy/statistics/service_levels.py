"""How well clients were served: shares within a target time, failures, times per stage.

Only from what the worker has summed up, whole hours; the record itself is not read.
"""

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.errors import Invalid
from common.texts import _
from common.web.paging import Page, page_of
from sqlalchemy.orm import Session

from proxy.statistics.rollups import (
    HOUR,
    Rollup,
    Spread,
    StagedRollup,
    on_the_hour,
    rolled_up_until,
)
from proxy.statistics.stored import (
    CLIENTS,
    DAY,
    MEDIATORS,
    Key,
    Summed,
    Tables,
    add_durations,
    calls_in_steps,
    figures,
    on_the_day,
    parts,
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
    def failed(self) -> float:
        """The share of calls that failed, 0 to 1."""
        return self.failures / self.count


@dataclass(frozen=True)
class Question:
    """What a report is asked for: whole hours that are summed up, and whose calls."""

    since: datetime
    until: datetime
    by: By
    order: Order
    target_ms: float
    #: Values of columns.
    wanted: Mapping[str, Any]

    @property
    def tables(self) -> Tables:
        """What it is read from."""
        return _tables(self.by)


def question(
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
) -> Question:
    """The calls of the whole hours from `since` to `until`, of `channels` where they are given; it
    ends with the last hour that is summed up.

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
    if _tables(by) is MEDIATORS and (channel or client or channels is not None):
        reason = _("Mediators and statuses are not told apart by channel or client.")
        raise Invalid(f"by: {reason}", {"by": [reason]})
    known = rolled_up_until(session, _tables(by).hourly)
    end = max(since, min(on_the_hour(until), known or since))
    return Question(since, end, by, order, target_ms, _wanted(channel, client, channels))


def service_levels(
    session: Session, asked: Question, limit: int | None = None, cursor: str | None = None
) -> Page[ServiceLevel]:
    """The levels that come first in the order that is asked for; without a limit all.

    Raises Invalid for a cursor that was never given out.
    """
    names, span = _GROUPED_BY[asked.by], parts(session, asked.tables, asked.since, asked.until)
    found = figures(session, names, span, **asked.wanted)
    is_by_durations = asked.order is Order.SLOWEST
    if is_by_durations:
        add_durations(session, asked.tables, names, span, found, **asked.wanted)
    page = page_of(_ranked(found, asked.order), limit or max(1, len(found)), cursor)
    shown = {key: found[key] for key in page.data}
    if not is_by_durations:
        add_durations(session, asked.tables, names, span, shown, **asked.wanted)
    return Page([_level(asked, *one) for one in shown.items()], page.next_cursor)


@dataclass(frozen=True)
class Step:
    """The calls of an hour or a day."""

    start: datetime
    end: datetime
    count: int
    failures: int


def timeline(session: Session, asked: Question) -> list[Step]:
    """The calls of a question on clients by the hour, of more than two days by the day; oldest
    first.
    """
    is_hourly = asked.until - asked.since <= timedelta(days=2)
    step, first = (HOUR, asked.since) if is_hourly else (DAY, on_the_day(asked.since))
    found = calls_in_steps(session, CLIENTS, asked.since, asked.until, step, **asked.wanted)
    starts = [first + step * number for number in range(-((first - asked.until) // step))]
    return [Step(one, one + step, *found.get(one, (0, 0))) for one in starts]


def _tables(by: By) -> Tables:
    return MEDIATORS if by in (By.MEDIATOR, By.STATUS) else CLIENTS


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


def _ranked(found: Summed, order: Order) -> list[Key]:
    """By rank, then by calls, then by name."""
    ranks: dict[Order, Callable[[StagedRollup], float]] = {
        Order.CALLS: lambda one: one.calls,
        Order.FAILURES: lambda one: one.failures,
        Order.FAILED: lambda one: one.failures / one.calls,
        Order.SLOWEST: lambda one: one.percentile_ms(95) or 0.0,
    }
    rank = ranks[order]
    return sorted(found, key=lambda key: (-rank(found[key]), -found[key].calls, key))


def _level(asked: Question, key: Key, rollup: StagedRollup) -> ServiceLevel:
    names = dict(zip(_GROUPED_BY[asked.by], key, strict=True))
    spread = rollup.spread

    def mean(total_ms: float) -> float | None:
        return total_ms / spread.ended if spread.ended else None

    return ServiceLevel(
        channel=names.get("channel_name"),
        client=names.get("client_name"),
        mediator=names.get("mediator_url"),
        status=names.get("status"),
        apdex=apdex(rollup, spread, asked.target_ms),
        count=rollup.calls,
        failures=rollup.failures,
        completed_with_errors=rollup.completed_with_errors,
        within=spread.share_within(asked.target_ms),
        mean_ms=mean(rollup.total_ms),
        p50_ms=spread.percentile_ms(50),
        p95_ms=spread.percentile_ms(95),
        match_ms=mean(rollup.match_ms),
        store_ms=mean(rollup.store_ms),
        upstream_ms=mean(rollup.upstream_ms),
    )


def apdex(rollup: Rollup, spread: Spread, target_ms: float) -> float | None:
    """The Apdex of calls; None when none has ended."""
    satisfied, tolerated = (spread.share_within(target_ms * times) for times in (1, 4))
    if satisfied is None or tolerated is None:
        return None
    return (satisfied + tolerated) / 2 * (1 - rollup.failures / rollup.calls)
