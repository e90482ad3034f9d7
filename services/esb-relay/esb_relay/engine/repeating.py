"""Whether a request may be sent again, and when: only what asks, only where that is harmless."""

from datetime import datetime, timedelta

from common.jobs.backoff import next_attempt

from esb_relay.engine.outcomes import Outcome
from esb_relay.models import ExchangeMode

FIRST_PAUSE = timedelta(seconds=0.25)
LONGEST_PAUSE = timedelta(seconds=2)


def next_try(
    mode: ExchangeMode,
    outcome: Outcome,
    *,
    attempts: int,
    max_attempts: int,
    now: datetime,
    deadline: datetime,
) -> datetime | None:
    """When to send again after `attempts` tries, or None: what happened is the outcome.

    Normal requests only, and only while the engine cannot be reached or is too busy to look.
    """
    if mode is not ExchangeMode.NORMAL or not outcome.is_passing or attempts >= max_attempts:
        return None
    moment = next_attempt(attempts, now, first=FIRST_PAUSE, cap=LONGEST_PAUSE)
    return moment if moment < deadline else None
