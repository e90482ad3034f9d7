"""When to try again: exponential, capped, with jitter."""

from datetime import datetime, timedelta
from random import Random

_system_random = Random()  # noqa: S311 - jitter, not a secret


def next_attempt(
    attempts: int,
    now: datetime,
    *,
    first: timedelta,
    cap: timedelta,
    least: float = 0.0,
    random: Random = _system_random,
) -> datetime:
    """The moment of the next try after `attempts` (≥ 1) failed ones.

    Uniform between the part `least` (0–1) of it and `first` × 2^(attempts-1), at most `cap`:
    crowds spread out.
    """
    ceiling_s = min(cap.total_seconds(), first.total_seconds() * 2 ** min(attempts - 1, 32))
    return now + timedelta(seconds=random.uniform(least * ceiling_s, ceiling_s))
