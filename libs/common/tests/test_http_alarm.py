"""An alarm goes off at the time that was set last, over however many uses."""

import asyncio
from collections.abc import Callable

import pytest
from common.http.alarm import Alarm

Step = Callable[[Alarm, float, Callable[[], None]], None]


def rings(*steps: Step, until_s: float) -> list[float]:
    """After how many seconds it rang, where `steps` were made at once."""

    async def wait() -> list[float]:
        loop = asyncio.get_running_loop()
        began, rung = loop.time(), list[float]()
        alarm = Alarm(loop)
        for step in steps:
            step(alarm, began, lambda: rung.append(loop.time() - began))
        await asyncio.sleep(until_s)
        return rung

    return asyncio.run(wait())


def at(after_s: float) -> Step:
    return lambda alarm, began, ring: alarm.set(began + after_s, ring)


def stopped(alarm: Alarm, _began: float, _ring: Callable[[], None]) -> None:
    alarm.stop()


def closed(alarm: Alarm, _began: float, _ring: Callable[[], None]) -> None:
    alarm.close()


@pytest.mark.parametrize(
    ("steps", "due_s"),
    [
        ([at(0.2)], 0.2),
        ([at(0.05), stopped, at(0.4)], 0.4),
        ([at(0.05), at(0.4)], 0.4),
        ([at(30), stopped, at(0.2)], 0.2),
        ([at(30), at(0.05), stopped, at(0.3)], 0.3),
    ],
)
def test_it_rings_once_at_what_was_set_last(steps: list[Step], due_s: float) -> None:
    [rang_s] = rings(*steps, until_s=due_s + 0.5)
    assert due_s - 0.002 <= rang_s < due_s + 0.5


@pytest.mark.parametrize("ends", [stopped, closed])
def test_it_does_not_ring_any_more(ends: Step) -> None:
    assert rings(at(0.05), ends, until_s=0.3) == []
