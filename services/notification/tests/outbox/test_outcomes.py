"""What becomes of a message: the table of the specification."""

from datetime import UTC, datetime, timedelta

import pytest
from notification.models import AttemptStatus, MessageStatus
from notification.outbox.outcomes import Completion, asked_again_at, completion_of, must_escalate
from notification.transports import Outcome

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("outcome", "status", "attempt", "is_final"),
    [
        (Outcome.SENT, MessageStatus.SENT, AttemptStatus.SENT, False),
        (Outcome.DELIVERED, MessageStatus.DELIVERED, AttemptStatus.DELIVERED, True),
        (Outcome.UNKNOWN, MessageStatus.UNKNOWN, AttemptStatus.UNKNOWN, False),
        (Outcome.REFUSED_FOR_GOOD, MessageStatus.FAILED, AttemptStatus.FAILED_FINAL, True),
    ],
)
@pytest.mark.parametrize("tried", [1, 5])
def test_outcomes_that_number_of_attempts_does_not_change(
    outcome: Outcome, status: MessageStatus, attempt: AttemptStatus, is_final: bool, tried: int
) -> None:
    completion = completion_of(outcome, NOW, attempt=tried, max_attempts=5)
    assert completion == Completion(status, attempt, NOW, is_final)


@pytest.mark.parametrize(
    ("tried", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (99, 60)]
)
def test_refused_for_now_waits_ever_longer_up_to_an_hour(tried: int, minutes: int) -> None:
    waits = set()
    for _ in range(50):
        completion = completion_of(Outcome.REFUSED_FOR_NOW, NOW, attempt=tried, max_attempts=100)
        assert completion.status is MessageStatus.FAILED
        assert completion.attempt is AttemptStatus.FAILED_TEMPORARY
        assert not completion.is_final
        waits.add(completion.next_attempt_at - NOW)
    assert max(waits) <= minutes * MINUTE
    assert min(waits) >= 0.75 * minutes * MINUTE
    assert len(waits) > 25, "a crowd must not come back at once"


def test_refused_for_now_is_final_at_the_last_attempt() -> None:
    completion = completion_of(Outcome.REFUSED_FOR_NOW, NOW, attempt=5, max_attempts=5)
    assert completion == Completion(MessageStatus.FAILED, AttemptStatus.FAILED_FINAL, NOW, True)


@pytest.mark.parametrize(
    ("retry_after_s", "least"),
    [(600.0, 10 * MINUTE), (1.0, 0.75 * MINUTE), (1e12, timedelta(days=1))],
)
def test_the_providers_pause_counts_when_it_is_longer_and_can_be_meant(
    retry_after_s: float, least: timedelta
) -> None:
    completion = completion_of(
        Outcome.REFUSED_FOR_NOW, NOW, attempt=1, max_attempts=5, retry_after_s=retry_after_s
    )
    assert least <= completion.next_attempt_at - NOW <= max(least, MINUTE)


@pytest.mark.parametrize(
    ("priority", "outcome", "escalates"),
    [
        ("CRITICAL", Outcome.REFUSED_FOR_GOOD, True),
        ("CRITICAL", Outcome.REFUSED_FOR_NOW, False),
        ("CRITICAL", Outcome.UNKNOWN, False),
        ("HIGH", Outcome.REFUSED_FOR_GOOD, False),
    ],
)
def test_only_critical_messages_that_failed_for_good_escalate(
    priority: str, outcome: Outcome, escalates: bool
) -> None:
    completion = completion_of(outcome, NOW, attempt=1, max_attempts=5)
    assert must_escalate(completion, priority) is escalates


@pytest.mark.parametrize(
    ("unknown_for_s", "again_in_s"),
    [(0, 10), (10, 10), (60, 60), (240, 240), (600, 300), (899, 1), (900, None), (5000, None)],
)
def test_providers_are_asked_ever_more_rarely_until_the_policy_decides(
    unknown_for_s: int, again_in_s: int | None
) -> None:
    since = NOW - timedelta(seconds=unknown_for_s)
    again = asked_again_at(since, NOW, timedelta(seconds=900))
    assert again == (None if again_in_s is None else NOW + timedelta(seconds=again_in_s))
