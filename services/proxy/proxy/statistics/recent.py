"""How the calls of a recent span went: per channel as a whole, and in equal steps."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from proxy.statistics.counting import counted
from proxy.statistics.rollups import HOUR, Figures, Rollup, Rollups
from proxy.statistics.stored import rollups


def recent_calls(session: Session, since: datetime, until: datetime, step: timedelta) -> Rollups:
    """The calls that started from `since` to before `until`, in steps no longer than `step`.

    Steps of an hour or more are whole hours; `since` is on the hour then, else a whole second.
    """
    if step < HOUR:
        return counted(session, since, since, until, step)
    return rollups(session, since, until)


def added_up(calls: Rollups, since: datetime, step: timedelta) -> Rollups:
    """The same calls in steps from `since` on, by channel."""
    found: Rollups = defaultdict(Rollup)
    for (start, channel), rollup in calls.items():
        found[since + (start - since) // step * step, channel].add(rollup)
    return found


def in_steps(calls: Rollups, since: datetime, step: timedelta) -> Sequence[Figures]:
    """What is said of them in steps from `since` on, oldest first, by channel."""
    found = added_up(calls, since, step)
    return [Figures.of(*key, found[key]) for key in sorted(found)]
