"""The loop of a worker process: due work first, then a wake-up, and an end when told."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from common.db.database import open_engine
from common.jobs.broker import open_broker
from common.jobs.wake_up import Listener, WakeUp
from common.jobs.worker import every, stop_on_signals, work
from common.settings import Environment
from sqlalchemy import text

QUEUE = "work"


@pytest.fixture
def settings(tmp_path: Path) -> Environment:
    return Environment(var_dir=tmp_path)


@pytest.fixture
def listener(settings: Environment) -> Iterator[Listener]:
    opened = Listener(lambda: open_broker(settings), QUEUE)
    yield opened
    opened.close()


class Steps:
    """A worker's step that returns what it is told to, and stops the worker after the last."""

    def __init__(self, *results: int | Callable[[], int]) -> None:
        self.stopping = threading.Event()
        self.done = 0
        self.beats = 0
        self._results = results

    def beat(self) -> None:
        self.beats += 1

    def __call__(self) -> int:
        result = self._results[self.done]
        self.done += 1
        if self.done == len(self._results):
            self.stopping.set()
        return result() if callable(result) else result


def test_worker_ends_when_told(listener: Listener) -> None:
    steps = Steps(0)
    work(steps, listener, steps.stopping, beat=steps.beat, poll_s=0.01)
    assert (steps.done, steps.beats) == (1, 1)


def test_worker_that_is_told_before_it_starts_does_nothing(listener: Listener) -> None:
    steps = Steps(0)
    steps.stopping.set()
    work(steps, listener, steps.stopping, beat=steps.beat)
    assert steps.done == 0


def test_worker_does_not_wait_while_there_is_work(listener: Listener) -> None:
    steps = Steps(*[1] * 50)
    started = time.monotonic()
    work(steps, listener, steps.stopping, beat=steps.beat, poll_s=10)
    assert steps.done == 50
    assert time.monotonic() - started < 5


def test_worker_looks_for_itself_when_no_bell_rings(listener: Listener) -> None:
    steps = Steps(0, 0, 0)
    work(steps, listener, steps.stopping, beat=steps.beat, poll_s=0.05)
    assert steps.done == 3


def test_bell_shortens_the_wait(settings: Environment, listener: Listener) -> None:
    steps = Steps(0, 1)
    threading.Timer(0.1, WakeUp(lambda: open_broker(settings), QUEUE).send).start()
    started = time.monotonic()
    work(steps, listener, steps.stopping, beat=steps.beat, poll_s=20)
    assert time.monotonic() - started < 10


def test_worker_outlives_a_database_that_is_away(settings: Environment, listener: Listener) -> None:
    engine = open_engine(settings, "work")

    def ask() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM nowhere")) or 0)

    steps = Steps(ask, ask, 1)
    work(steps, listener, steps.stopping, beat=steps.beat, poll_s=0.01)
    engine.dispose()
    assert steps.done == 3


def test_error_of_our_own_ends_the_worker(listener: Listener) -> None:
    steps = Steps(lambda: 1 // 0, 1)
    with pytest.raises(ZeroDivisionError):
        work(steps, listener, steps.stopping, beat=steps.beat)


def test_housekeeping_outlives_an_error_of_our_own() -> None:
    stopping, tried = threading.Event(), threading.Semaphore(0)

    def break_down() -> None:
        tried.release()
        raise ZeroDivisionError

    every(0.01, break_down, stopping)
    assert tried.acquire(timeout=5)
    assert tried.acquire(timeout=5)
    stopping.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_asks_for_the_end(number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        stopping = stop_on_signals()
        assert not stopping.is_set()
        os.kill(os.getpid(), number)
        assert stopping.wait(5)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
