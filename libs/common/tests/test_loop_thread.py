"""A loop in a thread of its own: it gives what coroutines give, and leaves nothing running."""

import asyncio
import threading

import pytest
from common.loop_thread import LoopThread


async def name_of_thread() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("of the coroutine")


def test_coroutines_run_on_one_loop_in_another_thread() -> None:
    thread = LoopThread()
    assert [thread.run(name_of_thread()) for _ in range(2)] == ["event-loop"] * 2
    with pytest.raises(LookupError, match="of the coroutine"):
        thread.run(fail())
    thread.close()


def test_what_still_runs_is_cancelled_and_the_thread_ends() -> None:
    thread = LoopThread()
    kept: list[asyncio.Task[None]] = []

    async def begin() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(60)))

    before = threading.active_count()
    thread.run(begin())
    thread.close()
    assert kept[0].cancelled()
    assert threading.active_count() == before


def test_loop_that_never_ran_is_closed_without_a_word() -> None:
    LoopThread().close()
