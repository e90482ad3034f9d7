"""A wake-up shortens a wait; where it cannot be sent nothing is lost but time."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from common.jobs.broker import open_broker
from common.jobs.wake_up import Listener, WakeUp, wake_up_queue
from common.settings import Environment

#: Nobody listens on port 1.
AWAY = Environment(rabbitmq_url="amqp://guest:guest@127.0.0.1:1")


def seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


@pytest.fixture
def wake_up(broker: Environment, queue: str) -> WakeUp:
    return WakeUp(lambda: open_broker(broker), queue)


@pytest.fixture
def listener(broker: Environment, queue: str) -> Iterator[Listener]:
    opened = Listener(lambda: open_broker(broker), queue)
    yield opened
    opened.close()


def waiting(broker: Environment, queue: str) -> int:
    """How many wake-ups wait to be heard."""
    with open_broker(broker) as connection:
        return int(wake_up_queue(queue)(connection.default_channel).queue_declare().message_count)


def heard(broker: Environment, queue: str) -> None:
    """Return once a wake-up has reached the broker."""
    deadline = time.monotonic() + 10
    while not waiting(broker, queue):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_wake_up_wakes_who_waits(wake_up: WakeUp, listener: Listener) -> None:
    listener.wait(0.05)  # from now on it listens
    threading.Timer(0.1, wake_up.send).start()
    assert seconds(lambda: listener.wait(20)) < 10


def test_wake_up_is_heard_by_who_comes_later(
    wake_up: WakeUp, listener: Listener, broker: Environment, queue: str
) -> None:
    wake_up.send()
    heard(broker, queue)
    assert seconds(lambda: listener.wait(20)) < 10


def test_wait_ends_without_a_ring(listener: Listener) -> None:
    assert 0.2 <= seconds(lambda: listener.wait(0.2)) < 5


def test_listener_hears_again_after_it_was_closed(wake_up: WakeUp, listener: Listener) -> None:
    listener.wait(0.05)
    listener.close()
    wake_up.send()
    assert seconds(lambda: listener.wait(20)) < 10


def test_many_rings_wait_as_one(
    wake_up: WakeUp, listener: Listener, broker: Environment, queue: str
) -> None:
    for _ in range(200):
        wake_up.send()
    heard(broker, queue)
    time.sleep(0.1)
    assert waiting(broker, queue) == 1


def test_wake_up_does_not_wait_for_the_broker() -> None:
    wake_up = WakeUp(lambda: open_broker(AWAY), "away")
    assert seconds(lambda: [wake_up.send() for _ in range(100)]) < 1


def test_wait_takes_its_time_while_the_broker_is_away() -> None:
    listener = Listener(lambda: open_broker(AWAY), "away")
    assert 0.3 <= seconds(lambda: listener.wait(0.3)) < 3
    listener.close()
