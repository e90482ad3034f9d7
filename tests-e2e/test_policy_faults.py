"""Worker processes meet at the scheduled hour, and are killed in a run: nobody is told twice."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from policy_scheme import Scheme
from raw_mediator import Received, Responder, answer, slow
from systems import MOSTLY_PRODUCTION

FAMILIES = 8
SERVICES = ["proxy", "policy-notify"]

#: Each starts an installation of its own and several Python processes.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def gateway(url: str) -> str:
    settings = {
        "GateUrl": url,
        "SmsResource": "/sms",
        "PrivateKey": "k",
        "UserId": "u",
        "SenderId": "s",
        "ServiceId": "i",
    }
    return json.dumps({"eGASMSGateway": settings})


def recipients(mediator) -> list[str]:
    inner = (json.loads(json.loads(one.body)["data"]) for one in mediator.to("/sms"))
    return [one["recipients"] for one in inner]


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_killed_workers_run_is_continued_and_nothing_is_sent_twice(
    shape, own_hub, mediator, eventually
):
    mediator.on("/sms", slow(0.3, answer(b"{}")))
    hub = own_hub(shape, services=SERVICES, PROVIDERS=gateway(mediator.url), RUN_LEASE_SECONDS="2")
    scheme = Scheme(hub).found()
    phones = {
        f"+2557120000{at:02d}": scheme.expiring(f"+2557120000{at:02d}") for at in range(FAMILIES)
    }
    for made in phones.values():
        scheme.consent(made["chf_id"], "en")

    run_id = scheme.request_run()
    eventually(lambda: len(mediator.to("/sms")) == 3)
    hub.stack.kill("policy-notify-worker", signal.SIGKILL)
    run = scheme.ended(run_id)

    assert run["continuations"] >= 1
    got = Counter(recipients(mediator))
    assert set(got.values()) == {1}
    assert set(got) == set(phones)
    outcomes = Counter()
    for made in phones.values():
        (attempt,) = scheme.attempts(made["policy"])
        outcomes[attempt["status"]] += 1
        if attempt["status"] == 0:
            assert attempt["reason"] == "Interrupted; whether it was sent is not known"
    assert outcomes == {0: 1, 1: FAMILIES - 1}


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_worker_processes_that_meet_at_the_scheduled_hour_make_one_run(
    shape, own_hub, mediator, eventually, tmp_path
):
    """A run by hand is on while the hour comes to three of them; then they are let go."""
    gate = threading.Event()
    mediator.on("/sms", gated(gate, answer(b"{}")))
    patient = {"PROVIDER_TIMEOUT": "100", "RUN_LEASE_SECONDS": "300"}
    hub = own_hub(shape, services=SERVICES, PROVIDERS=gateway(mediator.url), **patient)
    scheme = Scheme(hub).found()
    expire(scheme, "+255713000000")
    scheme.request_run()
    eventually(lambda: mediator.to("/sms"))
    policies = [expire(scheme, f"+2557130001{at:02d}") for at in range(FAMILIES)]

    with worker_processes(hub, tmp_path, 3, SCHEDULED_TASK_HOUR="0-23") as started:
        eventually(lambda: all(map(started, range(3))) and slots(scheme), timeout_s=120)
        gate.set()
        eventually(lambda: {run["status"] for run in slots(scheme)} == {"ended"}, timeout_s=120)

    # The hour may have changed meanwhile: then the next one had its run, and nothing to tell.
    hours = [run["slot"] for run in slots(scheme)]
    assert len(set(hours)) == len(hours) <= 2
    assert set(Counter(recipients(mediator)).values()) == {1}
    for policy in policies:
        assert [one["status"] for one in scheme.attempts(policy)] == [1]


def expire(scheme: Scheme, phone: str) -> str:
    """A policy about whose end somebody wants to be told."""
    made = scheme.expiring(phone)
    scheme.consent(made["chf_id"])
    return made["policy"]


def gated(gate: threading.Event, then: Responder) -> Responder:
    """A responder that waits until it is let through."""

    def respond(sock: socket.socket, received: Received) -> bool | None:
        gate.wait(90)
        return then(sock, received)

    return respond


def slots(scheme: Scheme) -> list[dict[str, Any]]:
    """The runs of scheduled hours."""
    return [run for run in scheme.ask("GET", "runs/").json()["data"] if run["slot"]]


@contextmanager
def worker_processes(
    hub: Hub, folder: Path, count: int, **environ: str
) -> Iterator[Callable[[int], bool]]:
    """More workers of an installation; gives a question: has this one begun its work?"""
    installation = hub.stack.installation
    command = [sys.executable, "-m", "flask", "--app", "policy_notify", "worker"]
    logs = [folder / f"worker-{number}.log" for number in range(count)]
    with ExitStack() as opened:
        processes = [
            subprocess.Popen(
                command,
                env={**installation.environ, **environ},
                cwd=installation.cwd,
                stderr=opened.enter_context(log.open("wb")),
            )
            for log in logs
        ]
        try:
            yield lambda number: "worker_started" in logs[number].read_text()
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)
