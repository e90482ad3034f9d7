"""`make faults`: connections to PostgreSQL lose replies, go silent, are cut, refused or too few.

After each, callers, mediator and record are joined: see `reconciliation`.
"""

import asyncio
import threading
import time
from collections import Counter

import psycopg
import pytest
import requests
from many_callers import call_at_once
from raw_mediator import answer, slow
from reconciliation import Reconciliation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

#: How soon silence must be noticed.
NOTICED_S = 15.0
CONNECTIONS = 40


@pytest.fixture
def start(own_hub, mediator, eventually):
    """Starts a proxy over PostgreSQL, with the channel /f/*."""

    def started(**options):
        hub = own_hub("production", services=["proxy"], **{"GATEWAY_CONCURRENCY": "2", **options})
        hub.new_channel("/f/*", hub.new_mediator(mediator.url)["id"])
        hub.in_force()
        mediator.default = slow(0.02, answer(b"ok"))
        return hub

    return started


@pytest.fixture
def hub(start):
    return start(linked=True)


def alive(hub) -> bool:
    return hub.call("GET", "/f/alive").status_code == 200


def first_row_of(client: dict[str, str]) -> str:
    """What only first rows of its calls hold on their way to the database; paths are sealed."""
    return f'"client_name":"{client["X-Client-Id"]}"'


@pytest.mark.parametrize("query", ["", "?async=1"])
def test_a_call_whose_first_row_was_committed_without_a_reply_goes_on(
    hub, mediator, eventually, query
):
    clients = [hub.new_client() for _ in range(5)]
    hub.in_force()
    for number, client in enumerate(clients):
        path = f"/f/reply-lost-{number}"
        hub.link.lose_replies(first_row_of(client))
        response = hub.call("POST", path + query, data=b"x", headers=client)
        assert hub.link.lost == 1
        assert response.status_code == (202 if query else 200), response.text
        assert eventually(lambda path=path: len(mediator.to(path))) == 1
        correlation_id = response.headers["X-Correlation-Id"]
        eventually(lambda one=correlation_id: hub.transaction(one)["status"] == "successful")
    rows = hub.api("GET", "transactions/", 200, params={"path": "/f/reply-lost"})
    assert rows["count"] == 5


def test_replies_lost_under_load_lose_and_repeat_nothing(hub, mediator):
    lost = 0
    with Reconciliation(hub, mediator, "/f/l") as reconciliation:
        for _ in range(8):
            hub.link.lose_replies(first_row_of(hub.credentials), times=2)
            time.sleep(0.5)
            lost += hub.link.lost
    assert lost == 16
    print(reconciliation.reckon())
    assert reconciliation.others(200, 202) == {}


def test_connections_that_go_silent_are_noticed_and_replaced(hub, mediator):
    with Reconciliation(hub, mediator, "/f/s") as reconciliation:
        time.sleep(2)
        hub.link.silence(also_new=False)
        silent = time.monotonic()
        before = len(reconciliation.seen)
        while len(reconciliation.seen) < before + 100 and time.monotonic() - silent < 60:
            time.sleep(0.1)
        noticed_s = time.monotonic() - silent
        time.sleep(1)
    assert noticed_s < NOTICED_S + 3
    assert max(one.took_s for one in reconciliation.seen) < NOTICED_S + 5
    hub.link.restore()  # for those who only read: no time-out of TCP's sees through the link
    print(reconciliation.reckon())


def test_health_says_that_the_database_is_silent(hub, eventually):
    def healthy() -> bool:
        try:
            answer = requests.get(f"{hub.url}/health/", timeout=NOTICED_S)
        except requests.Timeout:
            return False
        return answer.status_code == 200 and answer.json()["ok"]

    assert healthy()
    hub.link.silence(also_new=True)
    began = time.monotonic()
    eventually(lambda: not healthy(), 60)
    assert time.monotonic() - began < NOTICED_S + 3
    refused = hub.call("POST", "/f/silent", data=b"x")
    assert refused.status_code == 503
    hub.link.restore()
    eventually(healthy, 60)
    eventually(lambda: alive(hub), 60)


@pytest.mark.parametrize("fault", ["cut", "refuse", "silence"])
def test_a_database_that_is_away_for_a_while_loses_and_repeats_nothing(
    hub, mediator, eventually, fault
):
    mediator.default = slow(0.3, answer(b"ok"))
    with Reconciliation(hub, mediator, "/f/a") as reconciliation:
        for _ in range(3):
            time.sleep(2)
            if fault == "silence":
                hub.link.silence(also_new=True)
            else:
                getattr(hub.link, fault)()
            time.sleep(6)
            hub.link.restore()
        eventually(lambda: alive(hub), 60)
        time.sleep(2)
    assert any(one.status == 200 for one in reconciliation.seen)
    print(reconciliation.reckon())


def test_more_processes_than_the_database_has_connections_for_wait_for_one(start, mediator):
    hub = start(
        connection_limit=CONNECTIONS,
        DB_CONNECTIONS_MAX=str(CONNECTIONS),
        WEB_CONCURRENCY="4",
        GATEWAY_CONCURRENCY="4",
        more={f"proxy-worker-{n}": "flask --app proxy worker" for n in (2, 3, 4)},
    )
    mediator.default = slow(0.2, answer(b"ok"))
    with Reconciliation(hub, mediator, "/f/c") as reconciliation:
        statuses = asyncio.run(call_at_once(hub, "/f/many", 600))
    assert Counter(statuses) == {200: 600}
    assert reconciliation.others(200, 202) == {}
    assert b"too many" not in hub.output.read_bytes()
    # All of them went to one path, so they are counted apart.
    assert len(mediator.to("/f/many")) == 600
    mediator.received[:] = [one for one in mediator.received if one.target != "/f/many"]
    print(reconciliation.reckon())


def test_an_end_that_cannot_be_written_is_kept_and_written_later(hub, mediator, eventually):
    mediator.default = slow(1.5, answer(b"made"))
    statuses: list[int] = []
    calling = threading.Thread(
        target=lambda: statuses.extend(asyncio.run(call_at_once(hub, "/f/kept", 100)))
    )
    calling.start()
    eventually(lambda: len(mediator.to("/f/kept")) == 100)
    hub.link.refuse()
    time.sleep(4)
    hub.link.restore()
    calling.join()
    eventually(lambda: alive(hub), 60)

    def ended() -> bool:
        query = {"path": "/f/kept", "limit": 500}
        rows = hub.api("GET", "transactions/", 200, params=query)["data"]
        return Counter(row["status"] for row in rows) == {"successful": 100}

    eventually(ended, 60)
    assert set(statuses) <= {200, 503}


def test_a_call_that_waited_longer_than_its_deadline_is_not_made(start, mediator, eventually):
    hub = start(MEDIATOR_TOTAL_TIMEOUT="6")
    url = hub.stack.installation.environ["DATABASE_URL"]
    statuses: list[int] = []
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE proxy.transactions IN ACCESS EXCLUSIVE MODE")
        calling = threading.Thread(
            target=lambda: statuses.extend(
                asyncio.run(call_at_once(hub, "/f/late", 50, timeout_s=3))
            )
        )
        calling.start()
        calling.join()  # all callers have left
        time.sleep(12)
        other.rollback()
    eventually(lambda: alive(hub), 60)
    time.sleep(5)
    assert mediator.to("/f/late") == []
    rows = hub.api("GET", "transactions/", 200, params={"path": "/f/late", "limit": 500})["data"]
    assert {row["status"] for row in rows} <= {"failed"}
