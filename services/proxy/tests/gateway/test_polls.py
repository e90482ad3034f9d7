"""Polls: one call for each due time, whoever works, and never two of a channel at once."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.db.reader import Reader
from one_database import on_one_database
from proxy.container import Container
from proxy.gateway.forward import Forwarder
from proxy.gateway.polls import Polls
from proxy.gateway.routing import Routing
from proxy.models import AsyncCall, Poll, Rejection, Transaction, TransactionStatus
from proxy.worker import calls_of
from raw_mediator import RawMediator
from sqlalchemy import select, update
from waiting import eventually

YEARLY = {"schedule": "0 0 1 1 *", "time_zone": "UTC"}
EVERY_SECOND = {"schedule": "* * * * * *"}


@pytest.fixture
def source() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def polled(api: Any, source: RawMediator) -> Callable[..., dict[str, Any]]:
    """Opens a polling channel."""

    def open_channel(**changes: Any) -> dict[str, Any]:
        mediator = api.made("mediators", **api.a_mediator(endpoint_url=source.url))
        given = {"path_pattern": "/trigger", "is_public": True, "polling": YEARLY, **changes}
        channel: dict[str, Any] = api.made("channels", **api.a_channel(mediator, **given))
        return channel

    return open_channel


class Worker:
    """What a worker process runs, on a loop that tests share."""

    def __init__(self, container: Container, run: Any) -> None:
        self._container, self._run = container, run
        run(self._start())

    async def _start(self) -> None:
        container, self._threads = self._container, Reader()
        settings = container.settings
        routing = Routing(container.database, settings, container.sealer)
        await self._threads.run(routing.refresh)
        rules = settings.outbound()
        self._forwarder = Forwarder(settings.connect_timeout_s, container.esb_relay, rules)
        calls = calls_of(container, routing, self._forwarder, self._threads)
        polls = Polls(container, routing, self._threads, calls)
        self._stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._watching = loop.create_task(routing.watch(self._threads))
        self._working = loop.create_task(self._work(calls, polls))

    async def _work(self, calls: Any, polls: Polls) -> None:
        await asyncio.gather(calls.work(self._stopping), polls.work(self._stopping))

    async def _stop(self) -> None:
        self._stopping.set()
        await self._working
        self._watching.cancel()
        self._forwarder.close()
        self._threads.close()

    def stop(self) -> None:
        self._run(self._stop())


@pytest.fixture
def worker(container: Container, run: Any) -> Iterator[Callable[[], Worker]]:
    """Starts workers."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(container, run))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def all_of(container: Container, model: Any) -> list[Any]:
    with container.database.reading() as session:
        return list(session.scalars(select(model)))


def set_due(container: Container, due: datetime) -> None:
    with container.database.writing() as session:
        session.execute(update(Poll).values(next_attempt_at=due))


def test_due_poll_is_a_call_on_record(
    polled: Any, worker: Any, container: Container, source: RawMediator, api: Any
) -> None:
    api.made("clients", **api.a_client())
    polled(is_public=False, acts_for="clinic", allow=["clinic"], rewrite_path="/sync")
    due = datetime.fromisoformat("2026-01-01T00:00:00Z")
    set_due(container, due)
    worker()
    eventually(lambda: [one for one in all_of(container, Transaction) if one.completed_at])
    (call,) = all_of(container, Transaction)
    assert (call.status, call.client_name) == (TransactionStatus.SUCCESSFUL, "clinic")
    assert (call.request_method, call.request_url) == ("GET", "/trigger")
    (asked,) = source.to("/sync")
    assert asked.header("X-Poll-Due-At") == [due.isoformat()]
    assert asked.header("X-OpenHIM-LastRunAt") == []
    assert asked.header("X-OpenHIM-ClientID") == ["clinic"]
    (poll,) = all_of(container, Poll)
    assert (poll.made_for, poll.call_id) == (due, call.correlation_id)
    assert poll.next_attempt_at.year > 2026

    set_due(container, utc_now())
    eventually(lambda: len(source.to("/sync")) == 2)
    assert source.to("/sync")[1].header("X-OpenHIM-LastRunAt") == [due.isoformat()]


def test_next_poll_waits_until_the_one_before_it_has_ended(
    polled: Any, worker: Any, container: Container, source: RawMediator
) -> None:
    polled(polling=EVERY_SECOND)
    stop = threading.Event()
    in_progress: list[int] = []
    at_once: list[int] = []

    def slowly(sock: Any, _received: Any) -> None:
        in_progress.append(1)
        at_once.append(len(in_progress))
        stop.wait(1.1)
        in_progress.pop()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    source.default = slowly
    worker()
    worker()
    eventually(lambda: len(at_once) >= 3)
    stop.set()
    assert set(at_once) == {1}


@on_one_database()
def test_poll_that_is_not_let_in_is_a_rejection_and_the_next_one_comes(
    polled: Any, worker: Any, container: Container, source: RawMediator
) -> None:
    polled(polling=EVERY_SECOND, is_public=False, acts_for="gone")
    worker()
    eventually(lambda: len(all_of(container, Rejection)) >= 2)
    found = all_of(container, Rejection)[0]
    assert (found.client_claimed, found.status_code) == ("gone", 403)
    assert "no active client" in found.reason
    assert (source.received, all_of(container, AsyncCall)) == ([], [])


@on_one_database()
def test_schedule_begins_when_it_is_set_and_when_its_channel_is_opened_again(
    polled: Any, api: Any, container: Container
) -> None:
    path = f"channels/{polled()['id']}/"
    long_ago = utc_now() - timedelta(days=400)

    def changed(**changes: Any) -> datetime:
        set_due(container, long_ago)
        assert api.patch(path, changes).status_code == 200
        due: datetime = all_of(container, Poll)[0].next_attempt_at
        return due

    assert changed(description="the same schedule") == long_ago
    assert changed(is_active=False) == long_ago
    assert changed(is_active=True) > utc_now()
    before = utc_now()
    assert before < changed(polling=EVERY_SECOND) <= utc_now() + timedelta(seconds=1)
    api.patch(path, {"polling": None})
    assert all_of(container, Poll) == []


@on_one_database()
def test_changed_schedule_is_followed_from_the_first_due_time_on(
    polled: Any, worker: Any, container: Container, source: RawMediator, api: Any
) -> None:
    channel = polled(polling=YEARLY)
    worker()
    api.patch(f"channels/{channel['id']}/", {"polling": EVERY_SECOND})
    set_due(container, utc_now())  # before the worker has read the change
    eventually(lambda: len(source.to("/trigger")) >= 3)


@on_one_database()
def test_closed_channel_is_not_polled(
    polled: Any, worker: Any, container: Container, source: RawMediator, api: Any
) -> None:
    channel = polled(polling=EVERY_SECOND)
    api.patch(f"channels/{channel['id']}/", {"is_active": False})
    mediator = {"id": channel["mediator_id"]}
    other = {"name": "Other", "path_pattern": "/other", "is_public": True}
    api.made("channels", **api.a_channel(mediator, **other, polling=EVERY_SECOND))
    worker()
    eventually(lambda: len(source.to("/other")) >= 2)
    assert source.to("/trigger") == []
