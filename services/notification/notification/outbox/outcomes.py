"""What becomes of a message after an attempt, and while it is UNKNOWN: pure decisions."""

from datetime import datetime, timedelta

from common.jobs.backoff import next_attempt

from notification.models import AttemptStatus, MessageStatus
from notification.models.records import Record
from notification.transports import Outcome

#: The pause before the second attempt; it doubles, up to `LONGEST_PAUSE`.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=60)
#: How much of a pause is waited in any case; the rest is chance.
SUREST_PART = 0.75
#: A provider that asks for a longer pause than this is not believed.
LONGEST_RETRY_AFTER = timedelta(days=1)
#: No provider is asked about one message more often than this.
SHORTEST_ASKING = timedelta(seconds=10)

CRITICAL = "CRITICAL"


class Completion(Record, frozen=True):
    """How an attempt leaves its message. `next_attempt_at`: tried, or asked about, again then."""

    status: MessageStatus
    attempt: AttemptStatus
    next_attempt_at: datetime
    is_final: bool = False


def completion_of(
    outcome: Outcome,
    now: datetime,
    *,
    attempt: int,
    max_attempts: int,
    retry_after_s: float | None = None,
) -> Completion:
    """The ending of attempt number `attempt` (≥ 1) of at most `max_attempts`."""
    if outcome is Outcome.SENT:
        return Completion(MessageStatus.SENT, AttemptStatus.SENT, now)
    if outcome is Outcome.DELIVERED:
        return Completion(MessageStatus.DELIVERED, AttemptStatus.DELIVERED, now, is_final=True)
    if outcome is Outcome.UNKNOWN:
        return Completion(MessageStatus.UNKNOWN, AttemptStatus.UNKNOWN, now)
    if outcome is Outcome.TRANSPORT_CLOSED:
        # It keeps its place; the way's gate says when it is tried.
        return Completion(MessageStatus.QUEUED, AttemptStatus.POSTPONED, now)
    if outcome is Outcome.REFUSED_FOR_NOW and attempt < max_attempts:
        again = _again_at(attempt, now, retry_after_s)
        return Completion(MessageStatus.FAILED, AttemptStatus.FAILED_TEMPORARY, again)
    return Completion(MessageStatus.FAILED, AttemptStatus.FAILED_FINAL, now, is_final=True)


def _again_at(attempt: int, now: datetime, retry_after_s: float | None) -> datetime:
    """Our own pause or the provider's wish, whichever is longer."""
    ours = next_attempt(attempt, now, first=FIRST_PAUSE, cap=LONGEST_PAUSE, least=SUREST_PART)
    theirs = timedelta(seconds=min(retry_after_s or 0.0, LONGEST_RETRY_AFTER.total_seconds()))
    return max(ours, now + theirs)


def must_escalate(completion: Completion, priority: str) -> bool:
    """Whether somebody has to be told that the message did not arrive."""
    return priority == CRITICAL and completion.attempt is AttemptStatus.FAILED_FINAL


def asked_again_at(unknown_since: datetime, now: datetime, wait: timedelta) -> datetime | None:
    """When a provider that could not say is asked again; None: the event's policy decides now.

    The pauses double with the message's time as UNKNOWN, which lasts `wait` at most.
    """
    end = unknown_since + wait
    if now >= end:
        return None
    return min(end, now + max(now - unknown_since, SHORTEST_ASKING))
