"""What is counted of some calls, and how that is stored."""

import math
import struct
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.models import HourlyRollup
from proxy.models.statistics import OfHour

HOUR = timedelta(hours=1)
#: Durations are counted between these edges, from 0.1 ms to 1,000 s; each is 10 % above the last.
EDGES_MS = [10 ** (step / 24) for step in range(-24, 6 * 24 + 1)]
#: The counts of one hour: less than the first edge, less than the second, …, longer than the last.
COUNTS = struct.Struct(f"<{len(EDGES_MS) + 1}I")


#: A count's bits in those counts read as one long number. Such numbers add up at once: no count
#: reaches the next.
_COUNT_BITS = 32


def packed(durations: int) -> bytes:
    """Counts as a channel's hours and days store them."""
    return durations.to_bytes(COUNTS.size, "little")


def unpacked(stored: bytes) -> int:
    """The same as one number."""
    return int.from_bytes(stored, "little")


def compressed(durations: int) -> bytes:
    """Counts as all others store them."""
    return zlib.compress(packed(durations))


def decompressed(stored: bytes) -> int:
    """The same as one number."""
    return unpacked(zlib.decompress(stored))


@dataclass(frozen=True)
class Spread:
    """How many calls took less than each edge, and at last how many have ended."""

    reached: Sequence[int]

    @property
    def ended(self) -> int:
        """How many calls have ended."""
        return self.reached[-1]

    def percentile_ms(self, percent: int) -> float | None:
        """The lowest duration that so many of 100 do not exceed, to within 5 %.

        None when no call has ended.
        """
        if not self.ended:
            return None
        at = bisect_left(self.reached, math.ceil(self.ended * percent / 100))
        last = len(EDGES_MS) - 1
        between = math.sqrt(EDGES_MS[max(at - 1, 0)] * EDGES_MS[min(at, last)])
        return round(between, 2 - math.floor(math.log10(between)))

    def share_within(self, target_ms: float) -> float | None:
        """The share that took less than the target; None when no call has ended."""
        if not self.ended:
            return None
        at = bisect_right(EDGES_MS, target_ms * (1 + 1e-9))
        below = float(self.reached[at - 1]) if at else 0.0
        if at < len(EDGES_MS):
            low = EDGES_MS[at - 1] if at else 0.0
            part = max(0.0, target_ms - low) / (EDGES_MS[at] - low)
            below += (self.reached[at] - below) * part
        return min(1.0, below / self.ended)


@dataclass
class Rollup:
    """Some calls: how many, and how long those took that have ended."""

    calls: int = 0
    failures: int = 0
    completed: int = 0
    completed_with_errors: int = 0
    total_ms: float = 0.0
    #: How many took how long, as one number.
    durations: int = 0

    def count(self, calls: "Rollup", durations_at: int | None) -> None:
        """Count calls of about one duration, or calls that have none."""
        self.add(calls)
        if durations_at is not None:
            self.durations += calls.calls << _COUNT_BITS * durations_at

    def add(self, other: "Rollup") -> None:
        """Count the other's calls, too."""
        self.calls += other.calls
        self.failures += other.failures
        self.completed += other.completed
        self.completed_with_errors += other.completed_with_errors
        self.total_ms += other.total_ms
        self.durations += other.durations

    @property
    def spread(self) -> Spread:
        """How long the calls took; who asks more than once keeps it."""
        return Spread(list(accumulate(COUNTS.unpack(packed(self.durations)))))

    def percentile_ms(self, percent: int) -> float | None:
        """See Spread."""
        return self.spread.percentile_ms(percent)


@dataclass
class StagedRollup(Rollup):
    """The same with the time that the calls spent in each stage."""

    match_ms: float = 0.0
    upstream_ms: float = 0.0
    store_ms: float = 0.0

    def add(self, other: Rollup) -> None:
        """Count the other's calls, too."""
        super().add(other)
        if isinstance(other, StagedRollup):
            self.match_ms += other.match_ms
            self.upstream_ms += other.upstream_ms
            self.store_ms += other.store_ms


@dataclass(frozen=True)
class Figures:
    """One channel's calls from `start` on; times in milliseconds, None when no call has ended.

    The 95th percentile is true to within 5 %, all else is exact.
    """

    start: datetime
    channel: str | None
    count: int
    failures: int
    mean_ms: float | None
    p95_ms: float | None
    completed: int = 0
    completed_with_errors: int = 0

    @classmethod
    def of(cls, start: datetime, channel: str, rollup: Rollup) -> Self:
        """What a rollup says."""
        spread = rollup.spread
        return cls(
            start,
            channel or None,
            rollup.calls,
            rollup.failures,
            rollup.total_ms / spread.ended if spread.ended else None,
            spread.percentile_ms(95),
            rollup.completed,
            rollup.completed_with_errors,
        )


#: By channel and when its calls begin; the name is empty for calls that knew none.
Rollups = dict[tuple[datetime, str], Rollup]


def rolled_up_until(session: Session, table: type[OfHour] = HourlyRollup) -> datetime | None:
    """All hours before this are summed up; None when none is."""
    last = session.scalar(select(func.max(table.hour)))
    return None if last is None else last + HOUR


def on_the_hour(moment: datetime) -> datetime:
    """The beginning of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
