"""Slow checks of secrets: a burst of guesses is held up at once, and nobody else waits for it."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from proxy.access.throttle import MAX_WRONG, Throttle
from proxy.gateway.rejections import TooManyWrongSecrets
from proxy.gateway.secret_checks import RESTS, SecretChecks, SecretThreads

RIGHT = "right"


class Slow:
    """Secrets whose checks wait until they may go on; `right` is right."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.by: list[str] = []
        self.go_on = threading.Event()

    def known(self, *_asked: Any) -> None:
        return None

    def check(self, client_id: str, secret: str, _hashes: tuple[str, ...]) -> bool:
        self.asked.append(client_id)
        self.by.append(threading.current_thread().name.split("_")[0])
        if client_id != "quick":
            assert self.go_on.wait(10)
        return secret == RIGHT


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    yield found
    found.go_on.set()


@pytest.fixture
def run(slow: Slow) -> Iterator[Callable[[Callable[[SecretChecks], Awaitable[Any]]], Any]]:
    """What becomes of checks on a loop, with a thread for either kind."""
    with ThreadPoolExecutor(1, "first") as first, ThreadPoolExecutor(1, "suspected") as suspected:
        container: Any = SimpleNamespace(secrets=slow, throttle=Throttle(), database=None)

        def run(act: Callable[[SecretChecks], Awaitable[Any]]) -> Any:
            async def on_loop() -> Any:
                return await act(SecretChecks(container, SecretThreads(first, suspected)))

            return asyncio.run(on_loop())

        yield run


def ask(checks: SecretChecks, client_id: str, secret: str) -> Awaitable[bool]:
    return checks.is_right("192.0.2.7", (client_id, secret, ("scrypt:…",)))


def test_burst_is_held_up_while_its_first_secrets_are_being_checked(run: Any, slow: Slow) -> None:
    async def burst(checks: SecretChecks) -> list[Any]:
        tasks = [asyncio.ensure_future(ask(checks, "clinic", f"{n}")) for n in range(100)]
        await asyncio.sleep(0)
        slow.go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = run(burst)
    assert sum(isinstance(one, TooManyWrongSecrets) for one in found) >= 100 - MAX_WRONG
    assert len(slow.asked) <= MAX_WRONG


def test_many_calls_with_the_right_secret_are_one_check_and_leave_no_count(
    run: Any, slow: Slow
) -> None:
    async def together(checks: SecretChecks) -> tuple[list[bool], bool]:
        tasks = [asyncio.ensure_future(ask(checks, "clinic", RIGHT)) for _ in range(50)]
        await asyncio.sleep(0)
        slow.go_on.set()
        found = await asyncio.gather(*tasks)
        return found, checks._throttle.is_suspected("192.0.2.7", "another")

    assert run(together) == ([True] * 50, False)
    assert slow.asked == ["clinic"]


def test_secrets_of_who_was_wrong_lately_leave_a_thread_to_others(run: Any, slow: Slow) -> None:
    async def beside(checks: SecretChecks) -> tuple[bool, list[str]]:
        checks._throttle.note("192.0.2.7", "clinic", False)
        guesses = [asyncio.ensure_future(ask(checks, "clinic", f"{n}")) for n in range(5)]
        await asyncio.sleep(0)
        other = checks.is_right("192.0.2.8", ("quick", RIGHT, ("scrypt:…",)))
        found = await asyncio.wait_for(other, 10), list(slow.asked)
        slow.go_on.set()
        await asyncio.gather(*guesses)
        return found

    assert run(beside) == (True, ["clinic", "quick"])


def test_only_who_was_wrong_lately_is_hashed_with_low_priority(run: Any, slow: Slow) -> None:
    slow.go_on.set()

    async def in_turn(checks: SecretChecks) -> None:
        assert await ask(checks, "clinic", RIGHT)
        assert not await ask(checks, "clinic", "wrong")
        assert not await ask(checks, "clinic", "wrong again")
        assert await checks.is_right("192.0.2.8", ("another", RIGHT, ("scrypt:…",)))

    run(in_turn)
    assert slow.by == ["first", "first", "suspected", "first"]


def test_guesses_leave_the_processor_alone_for_longer_than_they_had_it(
    run: Any, slow: Slow
) -> None:
    hash_s = 0.02
    slow.check = lambda *_asked: bool(time.sleep(hash_s))  # type: ignore[method-assign]

    async def in_a_row(checks: SecretChecks) -> float:
        checks._throttle.note("192.0.2.7", "clinic", False)
        began = time.monotonic()
        assert [await ask(checks, "clinic", f"{n}") for n in range(3)] == [False] * 3
        return time.monotonic() - began

    assert run(in_a_row) >= 3 * hash_s + 2 * RESTS * hash_s
