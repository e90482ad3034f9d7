"""`make faults`: processes stand still for 45 s, then go on; nothing is done twice."""

import time
from contextlib import ExitStack
from itertools import product

import psutil
import pytest
from bus import Bus
from hub import unique
from processes import another_worker, frozen, writers
from raw_mediator import answer, slow
from reconciliation import Reconciliation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

#: Longer than any lease.
STILL_S = 45.0
MORE_WORKERS = {"proxy-worker-2": "flask --app proxy worker"}


@pytest.fixture
def start(own_hub, mediator, eventually):
    def started(shape, **options):
        hub = own_hub(shape, services=["proxy"], GATEWAY_CONCURRENCY="2", **options)
        hub.new_channel("/f/*", hub.new_mediator(mediator.url)["id"])
        eventually(lambda: all(hub.call("GET", "/f/ready").status_code == 200 for _ in range(6)))
        mediator.default = slow(0.05, answer(b"ok"))
        return hub

    return started


@pytest.mark.parametrize(
    ("shape", "process"),
    [
        *product(["embedded", "production"], ["gateway", "one of the gateway's", "worker"]),
        ("embedded", "the one that writes"),
    ],
)
def test_a_process_that_stands_still_does_nothing_twice(
    start, mediator, eventually, shape, process
):
    hub = start(shape, more=MORE_WORKERS)
    pids = hub.stack.pids()
    chosen = pids["proxy-worker"] if process == "worker" else pids[hub.gateway]
    if process.startswith("one of"):
        chosen = psutil.Process(chosen).children()[-1].pid
    elif process.startswith("the one"):
        chosen = writers(hub)[0]
    with Reconciliation(hub, mediator, "/f/s") as reconciliation:
        time.sleep(2)
        with frozen(chosen):
            time.sleep(STILL_S)
        eventually(lambda: hub.call("GET", "/f/alive").status_code == 200, 90)
        time.sleep(3)
    print(reconciliation.reckon())


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_the_end_of_a_call_stands_when_a_worker_without_a_claim_comes_back(
    start, mediator, eventually, shape
):
    """The worker holds 4 calls when it is stopped; the other one ends them after the lease."""
    hub = start(shape)
    mediator.on("/f/held", slow(2.0, answer(b"late")))
    held = [hub.call("POST", "/f/held?async=1").headers["X-Correlation-Id"] for _ in range(4)]
    eventually(lambda: len(mediator.to("/f/held")) == 4)
    # The other worker begins only now: the first one has all four calls.
    with frozen(hub.stack.pids()["proxy-worker"]), another_worker(hub, "proxy"):
        eventually(lambda: {hub.transaction(one)["status"] for one in held} == {"failed"}, 60)
    time.sleep(8)
    for one in held:
        kept = hub.transaction(one)
        assert kept["status"] == "failed"
        assert "outcome unknown" in kept["error_message"]
        assert kept["completed_at"]
    assert len(mediator.to("/f/held")) == 4


def test_a_callback_worker_that_stands_still_asks_no_target_twice(own_hub, mediator, eventually):
    hub = own_hub(
        "production",
        services=["proxy", "esb-relay", "demo-govesb"],
        own_broker=True,
        linked=True,
        more={"esb-relay-worker-2": "flask --app esb_relay worker"},
    )
    bus = Bus(hub)
    hub.new_channel("/c/*", hub.new_mediator(mediator.url)["id"])
    name = unique("route")
    given = {"name": name, "target_kind": "proxy", "target": "/c/take", "is_async": True}
    assert bus.ask("POST", "routes/", json=given).status_code == 201
    eventually(lambda: hub.call("GET", "/c/ready").status_code == 200)
    mediator.default = answer(b'{"n":1}', "200 OK", "Content-Type: application/json")
    calls = [unique("call") for _ in range(60)]
    with ExitStack() as still:
        for number, one in enumerate(calls):
            bus.call(name, f'{{"esbBody":{{"id":"{one}"}},"requestId":"{one}","apiCode":"A1"}}')
            if number == 20:
                # Replies come late: the worker is between a claim and its beginning.
                hub.link.delay_s = 0.15
                time.sleep(0.4)
                still.enter_context(frozen(hub.stack.pids()["esb-relay-worker"]))
                hub.link.delay_s = 0.0
        time.sleep(STILL_S)
    eventually(lambda: all(bus.seen(one) == 1 for one in calls), 120)
    time.sleep(3)
    bodies = [one.body for one in mediator.to("/c/take")]
    assert sorted(set(bodies)) == sorted(bodies), "a target was asked twice"
