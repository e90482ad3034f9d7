"""A doorbell shortens a wait; where it cannot be rung nothing is lost but time."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from common.broker import open_broker
from common.doorbell import Bell, Listener, doorbell_queue
from common.settings import Environment

#: Nobody listens on port 1.
AWAY = Environment(rabbitmq_url="amqp://guest:guest@127.0.0.1:1")


def seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


@pytest.fixture
def bell(broker: Environment, queue: str) -> Bell:
    return Bell(lambda: open_broker(broker), queue)


@pytest.fixture
def listener(broker: Environment, queue: str) -> Iterator[Listener]:
    opened = Listener(lambda: open_broker(broker), queue)
    yield opened
    opened.close()


def rings(broker: Environment, queue: str) -> int:
    """How many rings wait to be heard."""
    with open_broker(broker) as connection:
        return int(doorbell_queue(queue)(connection.default_channel).queue_declare().message_count)


def heard(broker: Environment, queue: str) -> None:
    """Return once a ring has reached the broker."""
    deadline = time.monotonic() + 10
    while not rings(broker, queue):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ring_wakes_who_waits(bell: Bell, listener: Listener) -> None:
    listener.wait(0.05)  # from now on it listens
    threading.Timer(0.1, bell.ring).start()
    assert seconds(lambda: listener.wait(20)) < 10


def test_ring_is_heard_by_who_comes_later(
    bell: Bell, listener: Listener, broker: Environment, queue: str
) -> None:
    bell.ring()
    heard(broker, queue)
    assert seconds(lambda: listener.wait(20)) < 10


def test_wait_ends_without_a_ring(listener: Listener) -> None:
    assert 0.2 <= seconds(lambda: listener.wait(0.2)) < 5


def test_listener_hears_again_after_it_was_closed(bell: Bell, listener: Listener) -> None:
    listener.wait(0.05)
    listener.close()
    bell.ring()
    assert seconds(lambda: listener.wait(20)) < 10


def test_many_rings_wait_as_one(
    bell: Bell, listener: Listener, broker: Environment, queue: str
) -> None:
    for _ in range(200):
        bell.ring()
    heard(broker, queue)
    time.sleep(0.1)
    assert rings(broker, queue) == 1


def test_ring_does_not_wait_for_the_broker() -> None:
    bell = Bell(lambda: open_broker(AWAY), "away")
    assert seconds(lambda: [bell.ring() for _ in range(100)]) < 1


def test_wait_takes_its_time_while_the_broker_is_away() -> None:
    listener = Listener(lambda: open_broker(AWAY), "away")
    assert 0.3 <= seconds(lambda: listener.wait(0.3)) < 3
    listener.close()
