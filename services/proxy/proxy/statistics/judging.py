"""How channels and mediators do, judged by the calls that were made lately.

The shortest of three spans that has enough calls counts: five minutes, an hour, a day.
"""

import enum
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, true
from sqlalchemy.orm import Session

from proxy.models import Channel, HourlyRollup, Mediator, MinuteRollup
from proxy.registry.mediators import is_online

SPANS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
#: Fewer calls say nothing while a longer span has more.
ENOUGH = 3
#: This share of failures makes it fail.
FAILING = 0.5


@dataclass(frozen=True)
class Recent:
    """Calls of a span, and how many of them failed."""

    calls: int = 0
    failures: int = 0
    span: timedelta = SPANS[-1]

    @property
    def share(self) -> float:
        """The share that failed, 0 to 1."""
        return self.failures / self.calls if self.calls else 0.0

    @property
    def is_failing(self) -> bool:
        """Whether most calls failed."""
        return self.calls > 0 and self.share >= FAILING


class MediatorState(enum.StrEnum):
    """What is known of a mediator."""

    ONLINE = "online"  # it answers, or says that it lives and nobody asked
    FAILING = "failing"  # half of its calls or more fail
    SILENT = "silent"  # its heartbeats have ended
    UNKNOWN = "unknown"  # no heartbeat, and no call lately
    OFF = "switched off"  # by hand


@dataclass(frozen=True)
class Judged:
    """A mediator's state with what it is judged by."""

    state: MediatorState
    recent: Recent = field(default_factory=Recent)


def chosen(spans: Sequence[tuple[int, int]]) -> Recent:
    """The span to judge by; `spans` are calls and failures of SPANS. Pure."""
    found = [
        Recent(calls, failures, span)
        for (calls, failures), span in zip(spans, SPANS, strict=True)
        if calls
    ]
    return next((one for one in found if one.calls >= ENOUGH), found[-1] if found else Recent())


def mediator_state(
    given: bool, last_heartbeat: datetime | None, recent: Recent, now: datetime, timeout_s: float
) -> MediatorState:
    """Judge a mediator by its switch, its heartbeats and its calls. Pure."""
    if not given:
        return MediatorState.OFF
    if not is_online(given, last_heartbeat, now, timeout_s):
        return MediatorState.SILENT
    if recent.is_failing:
        return MediatorState.FAILING
    if last_heartbeat is None and not recent.calls:
        return MediatorState.UNKNOWN
    return MediatorState.ONLINE


Spans = list[tuple[int, int]]


def spans_by_channel(
    session: Session, now: datetime, channels: Collection[str] | None = None
) -> dict[str, Spans]:
    """Calls and failures of SPANS by the channel's name, of `channels` where they are given."""
    found: dict[str, Spans] = {}
    short, middle, long = SPANS
    minutely, hourly = (
        true() if channels is None else table.channel_name.in_(channels)
        for table in (MinuteRollup, HourlyRollup)
    )
    minute = MinuteRollup.minute
    lately = minute >= now - short
    minutes = select(
        MinuteRollup.channel_name,
        func.coalesce(func.sum(case((lately, MinuteRollup.calls - MinuteRollup.open_calls))), 0),
        func.coalesce(func.sum(case((lately, MinuteRollup.failures))), 0),
        func.sum(MinuteRollup.calls - MinuteRollup.open_calls),
        func.sum(MinuteRollup.failures),
    ).where(minute >= now - middle, minutely)
    for name, *counts in session.execute(minutes.group_by(MinuteRollup.channel_name)):
        five, failed, hour, hour_failed = map(int, counts)
        found[name] = [(five, failed), (hour, hour_failed), (hour, hour_failed)]
    hours = select(
        HourlyRollup.channel_name, func.sum(HourlyRollup.calls), func.sum(HourlyRollup.failures)
    ).where(HourlyRollup.hour >= now - long, hourly)
    for name, calls, failures in session.execute(hours.group_by(HourlyRollup.channel_name)):
        known = found.setdefault(name, [(0, 0)] * 3)
        if int(calls) >= known[2][0]:
            known[2] = int(calls), int(failures)
    return found


def failing_channels(
    session: Session, now: datetime, channels: Collection[str] | None = None
) -> list[tuple[str, Recent]]:
    """Active channels most of whose calls fail, with what they are judged by."""
    spans = spans_by_channel(session, now, channels)
    active = session.scalars(
        select(Channel.name)
        .where(Channel.is_active, Channel.name.in_(spans))
        .order_by(Channel.name)
    )
    judged = ((name, chosen(spans[name])) for name in active)
    return [(name, recent) for name, recent in judged if recent.is_failing]


def judged_mediators(
    session: Session,
    mediators: Sequence[Mediator],
    now: datetime,
    timeout_s: float,
    channels: Collection[str] | None = None,
) -> Mapping[uuid.UUID, Judged]:
    """How these mediators do, by their ids; judged by calls of `channels` where they are given."""
    spans, own = spans_by_channel(session, now, channels), defaultdict(list)
    wanted = select(Channel.mediator_id, Channel.name)
    for mediator_id, name in session.execute(wanted):
        own[mediator_id].append(spans.get(name, [(0, 0)] * 3))
    found = {}
    for one in mediators:
        columns = zip(*own[one.id], strict=True) if own[one.id] else [[(0, 0)]] * 3
        recent = chosen([(sum(c for c, _ in col), sum(f for _, f in col)) for col in columns])
        state = mediator_state(one.is_online, one.last_heartbeat, recent, now, timeout_s)
        found[one.id] = Judged(state, recent)
    return found
