import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import psutil
import pytest
from common.db.reader import HEAVY_BYTES
from common.web.json_schemas import Break, broken_in, compile_schema
from proxy.record.heavy_bodies import NICENESS, HeavyBodies
from proxy.registry.content_match import BodyRule

T = TypeVar("T")

SCHEMA = compile_schema({"properties": {"name": {"type": "string"}}})
PAD = " " * HEAVY_BYTES
HEAVY = HEAVY_BYTES + 1


def asked(act: Callable[[HeavyBodies], Coroutine[Any, Any, T]]) -> T:
    async def ask() -> T:
        bodies = HeavyBodies()
        try:
            return await act(bodies)
        finally:
            bodies.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{PAD}{{"name": "x"}}', None),
        (f'{PAD}{{"name": 1}}', Break("/name", 'the value is not of type "string"')),
        (f"{PAD}NaN", Break("", "not JSON: a number is not finite, or has thousands of digits")),
        (f"{PAD}{'[' * 100_000}", Break("", "nested too deeply")),
    ],
)
def test_a_schema_is_asked_elsewhere_as_it_is_here(text: str, found: Break | None) -> None:
    data = text.encode()
    assert broken_in(SCHEMA, data) == found
    assert asked(lambda bodies: bodies.ask(len(data), broken_in, SCHEMA, data)) == found


@pytest.mark.parametrize(
    ("rule", "data", "meets"),
    [
        (("regex", "x+y", ""), b"xxy", True),
        (("regex", "x+y", ""), b"xx", False),
        (("json", "a.b", "1"), b'{"a": {"b": "1"}}', True),
        (("xpath", "/a/b", "1"), b"<a><b>2</b></a>", False),
    ],
)
def test_a_rule_for_contents_is_asked_elsewhere_as_it_is_here(
    rule: tuple[str, str, str], data: bytes, meets: bool
) -> None:
    known = BodyRule(*rule)
    assert known(data) is meets
    assert asked(lambda bodies: bodies.ask(HEAVY, known, data)) is meets


def test_bodies_are_looked_into_by_a_process_that_lets_calls_go_first() -> None:
    async def look(bodies: HeavyBodies) -> tuple[int, int]:
        return await bodies.ask(HEAVY, os.getpid), await bodies.ask(HEAVY, os.nice, 0)

    process, niceness = asked(look)
    assert process != os.getpid()
    assert niceness == os.nice(0) + NICENESS


def test_small_bodies_are_looked_into_here() -> None:
    assert asked(lambda bodies: bodies.ask(HEAVY_BYTES, os.getpid)) == os.getpid()


def test_a_body_whose_process_is_killed_is_looked_into_by_another() -> None:
    async def look(bodies: HeavyBodies) -> tuple[int, int]:
        first = await bodies.ask(HEAVY, os.getpid)
        os.kill(first, signal.SIGKILL)
        return first, await bodies.ask(HEAVY, os.getpid)

    first, second = asked(look)
    assert first != second


def test_all_whose_process_is_killed_at_once_are_looked_into_by_others() -> None:
    async def look(bodies: HeavyBodies) -> list[None]:
        first = await bodies.ask(HEAVY, os.getpid)
        asked = [asyncio.ensure_future(bodies.ask(HEAVY, time.sleep, 0.5)) for _ in range(6)]
        await asyncio.sleep(0.2)
        os.kill(first, signal.SIGKILL)
        return await asyncio.gather(*asked)

    assert asked(look) == [None] * 6


def test_what_kills_each_process_is_not_tried_for_ever() -> None:
    with pytest.raises(BrokenProcessPool):
        asked(lambda bodies: bodies.ask(HEAVY, os._exit, 9))


GATEWAY = """
import asyncio, os, time
from proxy.record.heavy_bodies import HeavyBodies

async def main():
    print(await HeavyBodies().ask(10**6, os.getpid), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_processes_end_with_a_gateway_that_is_killed(tmp_path: Any) -> None:
    (tmp_path / "gateway.py").write_text(GATEWAY)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "gateway.py")], stdout=subprocess.PIPE, text=True
    ) as gateway:
        assert gateway.stdout is not None
        beside = int(gateway.stdout.readline())
        assert psutil.pid_exists(beside)
        gateway.kill()
    deadline = time.monotonic() + 10
    while _is_alive(beside) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(beside)


def _is_alive(process_id: int) -> bool:
    """A process that has ended and that nobody has waited for is not."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
