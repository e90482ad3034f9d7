"""A transport that takes nothing now is closed for a while; then few messages try it, then all.

What closes it is no message's fault: too many at once, no credit, a refused log-in or sender, a
provider that is down. A gate is one process's; the engine keeps what all processes must know.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from common.clock import utc_now

from notification.models import ChannelCode
from notification.transports.base import Outcome, Result

#: The first pause; it doubles with every closing in a row, up to the longest one.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: A provider that asks for a longer pause is tried again after this time all the same.
LONGEST_RETRY_AFTER = timedelta(hours=1)
#: Part of a pause that chance adds: processes come back one after the other.
JITTER = 0.1
#: Messages that may try a way that was closed; doubled whenever they are taken, until all may.
FIRST_TRICKLE, WIDEST_TRICKLE = 1, 128
#: Of the rate at which a provider said "too many", what is sent from then on.
SAFE_PART = 0.9
#: What is left of a learnt rate that was too much again soon after a pause.
LOWERED_PART = 0.5
SOON = timedelta(seconds=30)
#: How a learnt rate is felt forward: so much more after so much time, but not close to what was
#: too much; that is doubted after longer.
GROWTH, GROWTH_EVERY = 1.05, timedelta(minutes=1)
DOUBT, DOUBTED_AFTER = 1.25, timedelta(hours=1)
LOWEST_RATE = 0.1
A_SECOND = timedelta(seconds=1)

_random = Random()  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class GateState:
    """How a way stands. `closings`: in a row; `trickle`: how many may try it (None: all)."""

    closed_until: datetime | None = None
    reason: str | None = None
    since: datetime | None = None
    closings: int = 0
    trickle: int | None = None

    def is_closed(self, now: datetime) -> bool:
        """Nothing may leave at this moment."""
        return self.closed_until is not None and now < self.closed_until


def closed(
    state: GateState, now: datetime, reason: str | None, retry_after_s: float | None
) -> GateState:
    """Closed until the provider's `Retry-After`, or for our own pause, and a little longer."""
    ours = min(FIRST_PAUSE * 2 ** min(state.closings, 16), LONGEST_PAUSE)
    theirs = timedelta(seconds=retry_after_s) if retry_after_s else ours
    pause = min(theirs, LONGEST_RETRY_AFTER) * _random.uniform(1.0, 1.0 + JITTER)
    since = state.since if state.closings else now
    return GateState(now + pause, reason, since, state.closings + 1, FIRST_TRICKLE)


def taken(state: GateState, count: int) -> GateState:
    """`count` messages were taken: the way opens further, or is open."""
    if state.trickle is None or not count:
        return state
    wider = state.trickle * 2
    if wider > WIDEST_TRICKLE:
        return GateState()
    return replace(state, closed_until=None, trickle=wider)


class Gate:
    """One provider's gate; any number of threads may ask it."""

    def __init__(self, channel: ChannelCode, provider: str) -> None:
        self.channel = channel
        self.provider = provider
        self.state = GateState()
        #: What the engine has put on record.
        self.recorded = self.state
        self._pace: _Pace | None = None
        self._accepted: deque[tuple[datetime, int]] = deque()
        self._lock = threading.Lock()

    def allowance(self, now: datetime) -> int | None:
        """How many messages may leave now; None: as many as there are."""
        with self._lock:
            if self.state.is_closed(now):
                return 0
            paced = self._pace.allowance(now, self._lately(now)) if self._pace else None
            limits = [one for one in (self.state.trickle, paced) if one is not None]
            return min(limits) if limits else None

    def pause_s(self, now: datetime) -> float:
        """Seconds until the next message may leave."""
        with self._lock:
            if self.state.closed_until is not None and self.state.is_closed(now):
                return (self.state.closed_until - now).total_seconds()
            return self._pace.pause_s(now, self._lately(now)) if self._pace else 0.0

    def note(self, results: Sequence[Result], now: datetime | None = None) -> None:
        """What came of messages that this provider was given."""
        now = now or utc_now()
        accepted = sum(one.outcome in (Outcome.SENT, Outcome.DELIVERED) for one in results)
        rejection = next((one for one in results if one.closes_transport), None)
        with self._lock:
            before = self.state
            self._count(accepted, now)
            if self._pace:
                self._pace.spend(accepted, now)
            if rejection is None:
                self.state = taken(before, accepted)
            else:
                waits = [one.retry_after_s for one in results if one.retry_after_s is not None]
                if any(one.is_too_fast for one in results):
                    self._slow_down(now)
                begun = GateState() if accepted else before
                self.state = closed(begun, now, rejection.error, max(waits, default=None))

    def learn(self, state: GateState, now: datetime) -> None:
        """Another process, or an operator, has changed the way."""
        with self._lock:
            if state.is_closed(now) or state.closings < self.state.closings:
                self.state = self.recorded = state

    def _count(self, accepted: int, now: datetime) -> None:
        self._accepted.append((now, accepted))

    def _lately(self, now: datetime) -> Sequence[tuple[datetime, int]]:
        """When and how many were taken within the last second, the earliest first."""
        while self._accepted and self._accepted[0][0] < now - A_SECOND:
            self._accepted.popleft()
        return self._accepted

    def _slow_down(self, now: datetime) -> None:
        """What was taken within the last second shows the provider's limit."""
        seen = float(sum(count for _at, count in self._lately(now)))
        if self._pace is not None:
            self._pace.lower(now)
        elif seen:
            self._pace = _Pace(seen, now)


class _Pace:
    """Messages a second, as a bucket that holds half a second's worth, or one message.

    So much lateness is made up for, but within no second more leave than were once too many. They
    are counted when they were taken, which is later than when the provider counts.
    """

    def __init__(self, too_fast: float, now: datetime) -> None:
        self._too_fast = too_fast
        self._rate = too_fast * SAFE_PART
        self._tokens, self._at = 0.0, now
        self._changed_at = self._lowered_at = now

    def allowance(self, now: datetime, lately: Sequence[tuple[datetime, int]]) -> int:
        self._fill(now)
        return max(0, min(int(self._tokens), self._room(lately)))

    def pause_s(self, now: datetime, lately: Sequence[tuple[datetime, int]]) -> float:
        self._fill(now)
        until_room = 0.0
        if lately and self._room(lately) < 1:
            until_room = (lately[0][0] + A_SECOND - now).total_seconds()
        return max(0.0, until_room, (1.0 - self._tokens) / self._rate)

    def _room(self, lately: Sequence[tuple[datetime, int]]) -> int:
        """What is left of the last second."""
        return max(1, int(self._too_fast)) - sum(count for _at, count in lately)

    def spend(self, count: int, now: datetime) -> None:
        self._fill(now)
        self._tokens -= count

    def lower(self, now: datetime) -> None:
        part = LOWERED_PART if now - self._lowered_at < SOON else SAFE_PART
        self._too_fast = self._rate
        self._rate = max(self._rate * part, LOWEST_RATE)
        self._changed_at = self._lowered_at = now

    def _fill(self, now: datetime) -> None:
        if now - self._lowered_at > DOUBTED_AFTER:
            self._too_fast, self._lowered_at = self._too_fast * DOUBT, now
        if now - self._changed_at > GROWTH_EVERY:
            most = max(self._rate, self._too_fast * SAFE_PART)
            self._rate, self._changed_at = min(self._rate * GROWTH, most), now
        gained = max(0.0, (now - self._at).total_seconds()) * self._rate
        self._tokens, self._at = min(self._tokens + gained, max(1.0, self._rate / 2)), now
