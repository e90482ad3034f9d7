"""When a way is closed, for how long, and how it opens again: pure decisions, and one gate."""

from datetime import UTC, datetime, timedelta

import pytest
from notification.models import ChannelCode
from notification.transports import Outcome, Result
from notification.transports.gate import Gate, GateState, closed, taken

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def sent(count: int = 1) -> list[Result]:
    return [Result(outcome=Outcome.SENT, provider="p")] * count


def too_fast(retry_after_s: float | None = 60.0) -> Result:
    return Result(
        outcome=Outcome.TRANSPORT_CLOSED,
        provider="p",
        error="answered 429",
        retry_after_s=retry_after_s,
        is_too_fast=True,
    )


NO_CREDIT = Result(outcome=Outcome.TRANSPORT_CLOSED, provider="p", error="no credit")


@pytest.mark.parametrize(
    ("closings", "retry_after_s", "pause_s"),
    [
        (0, None, 5),
        (1, None, 10),
        (3, None, 40),
        (9, None, 300),
        (500, None, 300),
        (0, 60.0, 60),
        (5, 1.0, 1),
        (0, 1e9, 3600),
    ],
)
def test_closed_for_the_providers_time_or_ours(
    closings: int, retry_after_s: float | None, pause_s: float
) -> None:
    pauses = set()
    for _ in range(50):
        state = closed(GateState(closings=closings), NOW, "why", retry_after_s)
        assert state.closed_until is not None
        pauses.add((state.closed_until - NOW).total_seconds())
        assert (state.closings, state.trickle, state.reason) == (closings + 1, 1, "why")
    assert pause_s <= min(pauses) <= max(pauses) <= pause_s * 1.1
    assert len(pauses) > 25, "processes must not come back at once"


def test_it_opens_wider_with_everything_that_is_taken() -> None:
    state, widths = closed(GateState(), NOW, "why", None), []
    while state.trickle is not None:
        widths.append(state.trickle)
        state = taken(state, 1)
    assert widths == [1, 2, 4, 8, 16, 32, 64, 128]
    assert state == GateState()


def test_nothing_passes_a_closed_gate_and_one_message_tries_it_after() -> None:
    gate = Gate(ChannelCode.EMAIL, "smtp")
    assert gate.allowance(NOW) is None
    gate.note([NO_CREDIT], NOW)
    assert gate.allowance(NOW) == 0
    assert gate.state.since == NOW
    later = NOW + 6 * S
    assert gate.allowance(later) == 1
    gate.note([NO_CREDIT], later)
    assert gate.allowance(later + 9 * S) == 0, "the second pause is longer"
    assert (gate.state.since, gate.state.closings) == (NOW, 2)
    gate.note(sent(), later + 12 * S)
    assert gate.allowance(later + 12 * S) == 2


def test_a_refused_message_neither_opens_nor_closes() -> None:
    gate = Gate(ChannelCode.SMS, "p")
    gate.note([Result(outcome=Outcome.REFUSED_FOR_GOOD, provider="p")], NOW)
    assert gate.allowance(NOW) is None


def test_the_rate_is_learnt_from_what_was_taken_within_a_second() -> None:
    gate = Gate(ChannelCode.SMS, "p")
    gate.note(sent(50), NOW - 5 * S)  # long ago
    gate.note([*sent(10), too_fast()], NOW)
    assert gate.allowance(NOW + 59 * S) == 0
    moment, begun, taken_in_all = NOW + 70 * S, NOW + 70 * S, 0
    while moment < begun + 100 * S:
        allowed = gate.allowance(moment) or 0
        if allowed:
            gate.note(sent(allowed), moment)
            taken_in_all += allowed
        moment += timedelta(milliseconds=20)
    assert 8 <= taken_in_all / 100 <= 10


@pytest.mark.parametrize("every_ms", [20, 110, 300])
def test_late_looks_cost_no_speed_and_make_no_second_too_full(every_ms: int) -> None:
    gate = Gate(ChannelCode.SMS, "p")
    gate.note([*sent(10), too_fast(1.0)], NOW)
    begun = moment = NOW + 2 * S
    leaving: list[datetime] = []
    while moment < begun + 50 * S:
        allowed = gate.allowance(moment) or 0
        if allowed:
            leaving += [moment] * allowed
            gate.note(sent(allowed), moment)
        moment += timedelta(milliseconds=every_ms)
    assert 8 <= len(leaving) / 50 <= 10
    fullest = max(sum(at <= one < at + S for one in leaving) for at in leaving)
    assert fullest <= 10


def test_a_rate_that_is_too_much_again_is_lowered() -> None:
    gate = Gate(ChannelCode.SMS, "p")
    gate.note([*sent(10), too_fast(1.0)], NOW)
    gate.note([too_fast(1.0)], NOW + 2 * S)
    gate.note(sent(2), NOW + 4 * S)
    assert gate.pause_s(NOW + 4 * S) == pytest.approx(1 / 4.5, abs=0.2)


def test_what_another_process_found_is_taken_over() -> None:
    gate, other = Gate(ChannelCode.SMS, "p"), Gate(ChannelCode.SMS, "p")
    other.note([NO_CREDIT], NOW)
    gate.learn(other.state, NOW)
    assert gate.allowance(NOW) == 0
    gate.learn(GateState(), NOW)  # an operator has opened it
    assert gate.allowance(NOW) is None
