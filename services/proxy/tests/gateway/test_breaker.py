"""A mediator that does not answer is left alone, tried by one call, and used again once it does."""

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from common.http.outcomes import (
    ClosedUnanswered,
    NotHttp,
    NotPermitted,
    NotSent,
    OutboundError,
    OutcomeUnknown,
    TimedOut,
)
from proxy.container import Container
from proxy.gateway.breaker import BegunTooLate, Breaker, Breakers, CircuitOpen
from proxy.models import Mediator
from raw_mediator import RawMediator, answer
from sqlalchemy import select


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("urn:x", 3, 10.0, clock)


def fail(breaker: Breaker, times: int = 1, error: OutboundError | None = None) -> None:
    for _ in range(times):
        breaker.failed(error or TimedOut("silent"), is_probe=False)


def test_circuit_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.answered()
    fail(breaker, 2)
    assert not breaker.is_tripped
    fail(breaker)
    assert breaker.is_tripped
    with pytest.raises(CircuitOpen) as caught:
        breaker.probe()
    assert caught.value.wait_s == 10


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (NotSent("cannot be reached"), True),
        (ClosedUnanswered("closed"), True),
        (TimedOut("silent"), True),
        (NotHttp("no HTTP"), False),
        (OutcomeUnknown("broke off"), False),
        (NotPermitted(), False),
        (BegunTooLate("our record"), False),
    ],
)
def test_only_what_the_mediator_does_counts(
    breaker: Breaker, error: OutboundError, counts: bool
) -> None:
    fail(breaker, 3, error)
    assert breaker.is_tripped is counts


def test_one_call_tries_and_its_answer_closes_the_circuit(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    breaker.probe()
    with pytest.raises(CircuitOpen):
        breaker.probe()  # one at a time
    breaker.answered()
    assert (breaker.is_tripped, breaker.failures, breaker.open_until) == (False, 0, None)


def test_failed_try_opens_it_for_twice_as_long(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    for pause_s in (10, 20, 40, 80, 120, 120):
        clock.now += pause_s - 1
        with pytest.raises(CircuitOpen):
            breaker.probe()
        clock.now += 1
        breaker.probe()
        breaker.failed(TimedOut("silent"), is_probe=True)


def test_try_that_says_nothing_leaves_room_for_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    breaker.probe()
    breaker.abandoned(is_probe=True)
    breaker.probe()
    breaker.failed(BegunTooLate("our record"), is_probe=True)
    breaker.probe()


def test_calls_that_were_under_way_do_not_lengthen_the_pause(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now += 9
    fail(breaker, 20)
    clock.now += 1
    breaker.probe()


def test_circuit_that_is_switched_off_never_opens(clock: Clock) -> None:
    breaker = Breaker("urn:x", 0, 10.0, clock)
    fail(breaker, 100)
    assert not breaker.is_tripped


def test_another_endpoint_begins_with_a_closed_circuit() -> None:
    known, mediator_id = Breakers(3, 10.0), uuid.uuid4()
    first = known.of(mediator_id, "urn:x", "http://a")
    fail(first, 3)
    assert known.of(mediator_id, "urn:x", "http://a") is first
    assert not known.of(mediator_id, "urn:x", "http://b").is_tripped
    assert list(known.changed()) == [mediator_id]
    assert not known.changed()


@pytest.fixture
def mediator_that_comes_back() -> Iterator[Callable[[], int]]:
    """A port where nobody listens, until it is called."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    started: list[RawMediator] = []

    def start() -> int:
        if not started:
            started.append(RawMediator(port=port))
            started[0].default = answer(b"ok")
        return port

    start.port = port  # type: ignore[attr-defined]
    yield start
    for one in started:
        one.close()


def test_calls_to_a_mediator_that_is_away_fail_at_once_and_go_on_when_it_is_back(
    served_with: Any, api: Any, container: Container, mediator_that_comes_back: Any
) -> None:
    port = mediator_that_comes_back.port
    to = api.made("mediators", **api.a_mediator(endpoint_url=f"http://127.0.0.1:{port}"))
    api.made("channels", **api.a_channel(to))
    made = api.made("clients", **api.a_client())
    named = {"X-Client-Id": "clinic", "X-Client-Secret": made["client_secret"]}
    served = served_with(breaker_failures=3, breaker_pause_s=1.0)

    assert [served.get("/patients/1", headers=named).status_code for _ in range(3)] == [502] * 3
    stopped = served.get("/patients/1", headers=named)
    assert stopped.status_code == 503
    assert stopped.json()["error"].startswith("Circuit open")
    assert stopped.headers["Retry-After"] == "1"
    until = time.monotonic() + 5
    while shown(container) is None:
        assert time.monotonic() < until
        time.sleep(0.05)

    mediator_that_comes_back()
    time.sleep(1.0)
    assert served.get("/patients/1", headers=named).status_code == 200
    assert served.get("/patients/1", headers=named).status_code == 200
    assert b'kiungo_circuit_openings_total{mediator="urn:mediator:registry"}' in (
        served.get("/metrics").content
    )


def shown(container: Container) -> Any:
    with container.database.reading() as session:
        return session.scalar(select(Mediator.circuit_open_until))
