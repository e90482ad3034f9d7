"""`make faults`: processes are killed at random under load; what was answered is never lost."""

import random
import threading
import time
from collections import Counter

import pytest
import requests
from raw_mediator import answer, slow
from waiting import eventually

ROUNDS = 5
CALLERS = 8


class Callers:
    """Threads that call until told to stop, and remember every answer they got."""

    def __init__(self, hub, base: str) -> None:
        self._hub = hub
        self._base = base
        self._stopping = threading.Event()
        self.answered: list[tuple[str, int]] = []
        self._threads = [threading.Thread(target=self._call, args=(at,)) for at in range(CALLERS)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _call(self, at: int) -> None:
        query = "?async=1" if at % 2 else ""
        while not self._stopping.is_set():
            try:
                answer = requests.post(
                    f"{self._hub.url}{self._base}/{at}{query}",
                    data=b"x",
                    headers=self._hub.credentials,
                    timeout=30,
                )
            except requests.RequestException:
                continue  # nginx itself is never killed; a reset call got no answer
            if answer.status_code in (200, 202):
                correlation_id = answer.headers["X-Correlation-Id"]
                self.answered.append((correlation_id, answer.status_code))


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_whatever_was_answered_survives_killed_processes(shape, own_hub, mediator):
    hub = own_hub(shape, services=["proxy"], GATEWAY_CONCURRENCY="2")
    record = hub.new_mediator(mediator.url)
    hub.new_channel("/f/*", record["id"])
    hub.in_force()
    mediator.default = slow(0.02, answer(b"ok"))
    with Callers(hub, "/f") as callers:
        for _ in range(ROUNDS):
            time.sleep(random.uniform(1.0, 3.0))
            hub.stack.kill(random.choice(["proxy-gateway", "proxy-worker"]))
        time.sleep(3)
    eventually(lambda: hub.call("GET", "/f/alive").status_code == 200, 60)
    outcomes = Counter(
        _ended(hub, correlation_id, code) for correlation_id, code in callers.answered
    )
    print(f"\n{shape}: {len(callers.answered)} calls answered, {dict(outcomes)}")
    sent = Counter(one.header("X-Correlation-Id")[0] for one in mediator.received)
    assert {one: count for one, count in sent.items() if count > 1} == {}


def _ended(hub, correlation_id: str, code: int) -> str:
    """How an answered call ended: a 200 is successful, a 202 never gets lost."""

    def state():
        found = hub.call("GET", f"/transactions/{correlation_id}/")
        assert found.status_code == 200, f"{correlation_id} was answered {code} and is lost"
        return found.json() if found.json()["is_terminal"] else None

    ended = eventually(state, 60)
    if ended["status"] == "successful":
        return "successful"
    assert code == 202
    assert "outcome unknown" in ended["error_message"]
    return "outcome unknown"
