"""Many failed calls made again as one task, through a worker that is killed; and retries that a
channel makes by itself."""

import asyncio
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hub import Hub, unique
from many_callers import call
from raw_mediator import RawMediator, Received, answer, hang_up, slow
from systems import MOSTLY_PRODUCTION, Start

BATCH = 25
ERROR = answer(b"", "500 Internal Server Error")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_failed_calls_are_made_again_once_each_though_the_worker_is_killed_twice(
    shape: str, breakable: Callable[[str], Hub], mediator: RawMediator, eventually: Any
) -> None:
    make_again(breakable(shape), mediator, eventually, 300)


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_ten_thousand_failed_calls_are_made_again_once_each(
    shape: str, breakable: Callable[[str], Hub], mediator: RawMediator, eventually: Any
) -> None:
    make_again(breakable(shape), mediator, eventually, 10_000)


def make_again(hub: Hub, mediator: RawMediator, eventually: Any, number: int) -> None:
    base = f"/b/{unique('again')}"
    eventually(lambda: all(hub.call("GET", "/b/ready").status_code == 200 for _ in range(6)))
    failed = fail(hub, mediator, [f"{base}/{at}" for at in range(number)])
    mediator.forget()
    mediator.default = slow(0.02, answer(b"done"))

    order = {"filter": {"path": f"{base}/", "status": "failed"}, "batch_size": BATCH}
    task = hub.api("POST", "tasks/", 201, json=order)["id"]
    for part in (0.2, 0.6):
        wait_for(hub, task, eventually, lambda found, least=part * number: found["done"] >= least)
        hub.stack.stop_process("proxy-worker", signal.SIGKILL)
        check(hub, task, mediator, number)
        hub.stack.start_process("proxy-worker")
    ended = wait_for(hub, task, eventually, lambda found: found["status"] == "completed")

    check(hub, task, mediator, number)
    assert ended["done"] + ended["unknown"] == ended["total"] == number
    # A POST that was under way when its worker died is not sent again: nobody knows of it.
    assert ended["unknown"] <= 2 * BATCH
    print(f"\n{number} calls: {ended['done']} done, {ended['unknown']} unknown")
    assert {one["correlation_id"] for one in calls_of(hub, task)} == failed


def check(hub: Hub, task: str, mediator: RawMediator, number: int) -> None:
    """The counts are those of the calls; the mediator got each once, if it is done."""
    found, calls = hub.api("GET", f"tasks/{task}/", 200), calls_of(hub, task)
    states = Counter(one["state"] for one in calls)
    assert found["total"] == sum(states.values()) == number
    assert {name: found[name] for name in states} == states
    repeats = [one["repeat_id"] for one in calls if one["repeat_id"]]
    assert len(set(repeats)) == len(repeats)
    arrived = Counter(one.header("X-Correlation-Id")[0] for one in list(mediator.received))
    paths = Counter(one.target for one in list(mediator.received))
    assert set(paths.values()) <= {1}
    assert arrived.keys() <= set(repeats)
    assert {one["repeat_id"] for one in calls if one["state"] == "done"} <= arrived.keys()


def fail(hub: Hub, mediator: RawMediator, paths: list[str]) -> set[str]:
    """The ids of calls that failed, one to each path."""
    mediator.default = ERROR
    at_once = asyncio.Semaphore(16)

    async def one(path: str) -> str:
        async with at_once:
            answered = await call(hub, path)
        assert answered.startswith(b"HTTP/1.1 500 "), answered[:80]
        found = re.search(rb"(?i)x-correlation-id: ([0-9a-f-]+)", answered)
        assert found is not None
        return found[1].decode()

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*map(one, paths))

    return set(asyncio.run(all_of_them()))


def calls_of(hub: Hub, task: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": 500, **({"cursor": cursor} if cursor else {})}
        page = hub.api("GET", f"tasks/{task}/calls/", 200, params=query)
        calls += page["data"]
        cursor = page["next_cursor"]
    return calls


def wait_for(
    hub: Hub, task: str, eventually: Any, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    found: dict[str, Any] = eventually(
        lambda: is_so(one := hub.api("GET", f"tasks/{task}/", 200)) and one, 600
    )
    return found


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_channel_makes_failed_calls_again_by_itself_only_where_they_cannot_act_twice(
    shape: str, breakable: Callable[[str], Hub], mediator: RawMediator, eventually: Any
) -> None:
    hub = breakable(shape)
    away = RawMediator()
    away.close()
    base, place = f"/{unique('retried')}", hub.new_mediator(away.url)["id"]
    hub.new_channel(f"{base}/*", place, retry_period_s=1)
    eventually(lambda: all(hub.call("GET", f"{base}/x").status_code == 502 for _ in range(4)))
    not_sent = hub.call("POST", f"{base}/post", data=b"body")
    assert not_sent.status_code == 502
    hub.api("PATCH", f"mediators/{place}/", 200, json={"endpoint_url": mediator.url})
    answers = iter([answer(b"", "503 Service Unavailable")])
    mediator.on(f"{base}/put", lambda sock, got: next(answers, answer(b"ok"))(sock, got))
    mediator.on(f"{base}/lost", hang_up)
    eventually(lambda: hub.call("GET", f"{base}/there").status_code == 200)
    hub.in_force()
    assert hub.call("POST", f"{base}/lost", data=b"x").status_code == 502
    failed = hub.call("PUT", f"{base}/put", data=b"x")
    assert failed.status_code == 503

    for original in (not_sent, failed):
        found = eventually(lambda original=original: repetition(hub, original), 60)
        assert found["parent_id"] == original.headers["X-Correlation-Id"]
    assert len(mediator.to(f"{base}/post")) == 1
    assert mediator.to(f"{base}/post")[0].body == b"body"
    assert len(mediator.to(f"{base}/put")) == 2
    found = hub.api("GET", "transactions/", 200, params={"path": f"{base}/lost"})
    assert (found["count"], len(mediator.to(f"{base}/lost"))) == (1, 1)


def repetition(hub: Hub, original: Any) -> dict[str, Any] | None:
    """The successful call that repeats another one."""
    path = original.request.path_url
    found = hub.api("GET", "transactions/", 200, params={"path": path, "status": "successful"})
    return next((one for one in found["data"] if one["parent_id"]), None)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_mediator_that_comes_back_is_not_overrun(own_hub: Start, eventually: Any) -> None:
    settings = {"RETRIES_AT_ONCE": "3", "MEDIATOR_BREAKER_FAILURES": "0"}
    hub = own_hub("embedded", services=["proxy"], **settings)
    away = RawMediator()
    away.close()
    base = f"/{unique('storm')}"
    hub.new_channel(f"{base}/*", hub.new_mediator(away.url)["id"], retry_period_s=2)
    eventually(lambda: hub.call("GET", f"{base}/ready").status_code == 502)
    for at in range(60):
        assert hub.call("POST", f"{base}/{at}").status_code == 502
    at_once, most = 0, 0
    lock = threading.Lock()

    def count(sock: socket.socket, received: Received) -> bool | None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.3)
        with lock:
            at_once -= 1
        return answer(b"ok")(sock, received)

    back = RawMediator(port=away.port, default=count)
    eventually(lambda: len({one.target for one in list(back.received)}) == 61, 300)
    paths = Counter(one.target for one in list(back.received))
    back.close()
    assert set(paths.values()) == {1}
    assert 1 <= most <= 3
