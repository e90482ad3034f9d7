"""Wrong secrets are held up by address and by id; who is right is not."""

import pytest
from proxy.access import throttle
from proxy.access.throttle import FORGET_ONE_S, KNOWN_FOR_S, MAX_WRONG, Throttle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> Throttle:
    return Throttle(clock)


def be_wrong(held: Throttle, address: str, claimed: str, times: int = MAX_WRONG) -> None:
    for _ in range(times):
        held.note(address, claimed, False)


def test_some_may_be_wrong(held: Throttle) -> None:
    be_wrong(held, "a", "clinic", MAX_WRONG - 1)
    assert held.wait_s("a", "clinic") == 0


@pytest.mark.parametrize(("address", "claimed"), [("a", "other"), ("b", "clinic")])
def test_address_waits_for_every_id_and_id_for_every_address(
    held: Throttle, address: str, claimed: str
) -> None:
    be_wrong(held, "a", "clinic")
    assert held.wait_s(address, claimed) > 0
    assert held.wait_s("b", "other") == 0


def test_waiting_is_as_long_as_said(held: Throttle, clock: Clock) -> None:
    be_wrong(held, "a", "clinic")
    clock.now = wait_s = held.wait_s("a", "clinic")
    assert wait_s == FORGET_ONE_S
    assert held.wait_s("a", "clinic") == 0


def test_guesses_of_days_are_forgotten_within_minutes(held: Throttle, clock: Clock) -> None:
    be_wrong(held, "a", "clinic", 100_000)
    clock.now = 2 * MAX_WRONG * FORGET_ONE_S
    assert held.wait_s("a", "clinic") == 0


def test_who_was_right_is_told_apart_from_its_neighbours(held: Throttle, clock: Clock) -> None:
    held.note("a", "clinic", True)
    be_wrong(held, "a", "neighbour")
    assert held.wait_s("a", "clinic") == 0
    assert held.wait_s("a", "neighbour") > 0
    clock.now = KNOWN_FOR_S
    be_wrong(held, "a", "neighbour")
    assert held.wait_s("a", "clinic") > 0


def test_who_was_right_once_may_not_guess_for_ever(held: Throttle) -> None:
    held.note("a", "clinic", True)
    be_wrong(held, "a", "clinic")
    assert held.wait_s("a", "clinic") > 0
    assert held.wait_s("b", "clinic") == 0, "its own guesses are its own"


def test_memory_is_bounded(held: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_REMEMBERED", 10)
    for number in range(100):
        held.note(str(number), str(number), number % 2 == 0)
    assert len(held._levels) <= 10
    assert len(held._known) <= 10
    assert "clinic" not in repr(held)
