"""The process that writes into SQLite for a gateway is killed again and again under load."""

import os
import signal
import time

import psutil
import pytest
from processes import writers
from raw_mediator import answer, slow
from reconciliation import Reconciliation


@pytest.mark.timeout(120)
def test_calls_are_on_record_whoever_kills_the_process_that_writes(
    breakable, shared_mediator, eventually
):
    hub = breakable("embedded")
    shared_mediator.default = slow(0.01, answer(b"ok"))
    killed = 0
    with Reconciliation(hub, shared_mediator, "/b/killed") as reconciliation:
        for _ in range(10):
            time.sleep(0.4)
            for one in writers(hub):
                os.kill(one, signal.SIGKILL)
                killed += 1
        eventually(lambda: hub.call("GET", "/b/alive").status_code == 200)
    assert killed >= 10
    assert any(one.status == 200 for one in reconciliation.seen)
    print(reconciliation.reckon())
    master = psutil.Process(hub.stack.pids()[hub.gateway])
    left = [one for one in master.children(recursive=True) if one.status() == psutil.STATUS_ZOMBIE]
    assert left == []
