"""The moment of the next try: exponential, capped, spread."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from common.jobs.backoff import next_attempt

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = timedelta(seconds=1)
CAP = timedelta(minutes=5)


class Highest(Random):
    """The latest moment that chance allows."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Lowest(Random):
    """The earliest one."""

    def uniform(self, a: float, b: float) -> float:
        return a


@pytest.mark.parametrize(
    ("attempts", "ceiling_s"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 300), (33, 300), (10_000, 300)],
)
def test_ceiling_doubles_with_each_attempt_up_to_the_cap(attempts: int, ceiling_s: int) -> None:
    latest = next_attempt(attempts, NOW, first=FIRST, cap=CAP, random=Highest())
    assert latest - NOW == timedelta(seconds=ceiling_s)


@pytest.mark.parametrize("attempts", [1, 5, 10_000])
def test_chance_may_choose_to_try_at_once(attempts: int) -> None:
    assert next_attempt(attempts, NOW, first=FIRST, cap=CAP, random=Lowest()) == NOW


def test_a_part_of_the_pause_can_be_sure() -> None:
    earliest = next_attempt(3, NOW, first=FIRST, cap=CAP, least=0.75, random=Lowest())
    assert earliest - NOW == timedelta(seconds=3)


def test_tries_of_a_crowd_spread_over_the_whole_time() -> None:
    random = Random(7)
    waits = [
        (next_attempt(4, NOW, first=FIRST, cap=CAP, random=random) - NOW).total_seconds()
        for _ in range(1_000)
    ]
    assert min(waits) >= 0
    assert max(waits) <= 8
    assert all(sum(low <= wait < low + 2 for wait in waits) > 150 for low in (0, 2, 4, 6))
