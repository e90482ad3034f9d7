"""`make faults`: removing 300,000 old calls from SQLite leaves the others their pace."""

import statistics
import threading
import time

import pytest
import requests
from bench_transactions import fill_installation
from raw_mediator import answer
from sqlalchemy import create_engine, text

CALLS = 350_000
#: The record is of a week; what is older than a day is removed.
OLD = CALLS * 6 // 7
#: Beside the factor of two: what a busy machine adds.
SLACK_MS = 3.0


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_purge_of_sqlite_at_most_doubles_what_calls_take(own_hub, mediator, eventually):
    hub = own_hub("embedded", services=["proxy"], TRANSACTION_RETENTION_DAYS="1")
    hub.stack.stop_process("proxy-worker")  # it purges by itself, at a time of its own
    hub.new_channel("/p/*", hub.new_mediator(mediator.url)["id"])
    mediator.default = answer(b"ok")
    eventually(lambda: hub.call("GET", "/p/ready").status_code == 200)
    fill_installation(hub.stack.installation, CALLS)
    usual_ms = statistics.median(calls_ms(hub, during(lambda: time.sleep(8))))
    waits_ms = calls_ms(hub, during(lambda: hub.stack.flask("proxy", "purge")))
    engine = create_engine(f"sqlite:///{hub.stack.installation.var_dir}/proxy.sqlite3")
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM transactions")).scalar_one()
    print(f"\np50 {usual_ms:.1f} ms, during a purge {statistics.median(waits_ms):.1f} ms")
    assert left < CALLS - OLD + len(waits_ms) + 20_000
    assert len(waits_ms) > 50
    assert statistics.median(waits_ms) <= 2 * usual_ms + SLACK_MS


def during(act) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def calls_ms(hub, thread: threading.Thread) -> list[float]:
    """What calls of four callers take while the thread runs."""
    waits_ms: list[float] = []

    def call_on() -> None:
        with requests.Session() as session:
            session.trust_env = False
            while thread.is_alive():
                began = time.perf_counter()
                answered = session.post(
                    f"{hub.url}/p/x", data=b"x", headers=hub.credentials, timeout=60
                )
                assert answered.status_code == 200
                waits_ms.append((time.perf_counter() - began) * 1e3)

    callers = [threading.Thread(target=call_on) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in [*callers, thread]:
        caller.join()
    return waits_ms
