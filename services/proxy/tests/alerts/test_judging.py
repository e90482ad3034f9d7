"""Mediators and channels are judged by the shortest span that has enough calls."""

from datetime import UTC, datetime, timedelta

import pytest
from proxy.statistics.judging import SPANS, MediatorState, Recent, chosen, mediator_state

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATE = NOON - timedelta(minutes=2)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 0), (0, 0), (18, 18)], Recent(18, 18, SPANS[2])),
        ([(3, 0), (20, 20), (90, 90)], Recent(3, 0, SPANS[0])),
        ([(1, 1), (2, 1), (2, 1)], Recent(2, 1, SPANS[2])),
        ([(0, 0), (0, 0), (0, 0)], Recent()),
    ],
)
def test_span_that_counts(spans: list[tuple[int, int]], expected: Recent) -> None:
    assert chosen(spans) == expected


@pytest.mark.parametrize(
    ("given", "heartbeat", "recent", "expected"),
    [
        (True, None, Recent(), MediatorState.UNKNOWN),
        (True, None, Recent(4, 1), MediatorState.ONLINE),
        (True, None, Recent(4, 2), MediatorState.FAILING),
        (True, NOON, Recent(), MediatorState.ONLINE),
        (True, NOON, Recent(18, 18), MediatorState.FAILING),
        (True, LATE, Recent(4, 0), MediatorState.SILENT),
        (False, NOON, Recent(4, 0), MediatorState.OFF),
    ],
)
def test_state_of_a_mediator(
    given: bool, heartbeat: datetime | None, recent: Recent, expected: MediatorState
) -> None:
    assert mediator_state(given, heartbeat, recent, NOON, 60.0) is expected
