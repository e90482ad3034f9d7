"""Processes that stand still for longer than their lease, at any line, act nothing twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from common.clock import utc_now
from common.db.reader import Reader
from common.jobs.leases import claim_due
from esb_relay.callbacks import deliveries, late_work
from esb_relay.callbacks.async_answers import LateAnswer, queue_late_answer
from esb_relay.callbacks.inbox import NEVER, Inbox
from esb_relay.callbacks.receiving import Receiver
from esb_relay.config import Settings
from esb_relay.container import Container, Engine, build_container, build_engine
from esb_relay.demo.messages import Seal
from esb_relay.demo.server import Simulator
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.errors import NotRecorded
from esb_relay.keys.pairs import PrivateKey
from esb_relay.models import (
    AsyncAnswer,
    CallbackRoute,
    DeliveryStatus,
    Exchange,
    ExchangeStatus,
    InboundRequest,
    InboundStatus,
    TargetKind,
)
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import read_answer
from esb_relay.wire.terms import Format
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

T = TypeVar("T")
LEASE_S = 2.5
Stall = Callable[[], Awaitable[None]]


class Stalling(Reader):
    """Stands still once: before or after the `number`th time that the database is asked."""

    def __init__(self, when: str, number: int, stall: Stall) -> None:
        super().__init__()
        self._point = (when, number)
        self._stall = stall
        self._count = 0

    async def run(self, ask: Callable[[], T]) -> T:
        self._count += 1
        number = self._count
        if self._point == ("before", number):
            await self._stall()
        found = await super().run(ask)
        if self._point == ("after", number):
            await self._stall()
        return found


@pytest.fixture
def container(settings_with: Callable[..., Settings]) -> Iterator[Container]:
    made = build_container(settings_with())
    yield made
    made.database.engine.dispose()


def on_a_loop(container: Container, act: Callable[[Engine, Reader], Awaitable[T]]) -> T:
    async def run() -> T:
        reader = Reader()
        engine = build_engine(container, reader, ExchangeWriter(container.database.engine))
        try:
            return await act(engine, reader)
        finally:
            await engine.exchanger.close()
            engine.targets.close()
            reader.close()
            await asyncio.sleep(0)

    return asyncio.run(run())


def open_route(
    container: Container, target: Any, *, is_async: bool, is_repeatable: bool = False
) -> None:
    with container.database.writing() as session:
        session.add(
            CallbackRoute(
                name="r",
                target_kind=TargetKind.HTTP,
                target=target.url,
                is_async=is_async,
                is_repeatable=is_repeatable,
            )
        )


def accept(container: Container, request_id: str = "R1") -> None:
    with container.database.writing() as session:
        session.add(
            InboundRequest(
                route="r",
                request_id=request_id,
                exchange_id=uuid.uuid4(),
                correlation_id="c",
                received_at=utc_now(),
                status=InboundStatus.WAITING,
                format=Format.JSON,
                body="{}",
                next_attempt_at=utc_now(),
            )
        )


def claims(container: Container, model: Any, describe: Any, *criteria: Any) -> list[Any]:
    with container.database.writing() as session:
        rows = claim_due(
            session,
            model,
            *criteria,
            order_by=[model.next_attempt_at],
            limit=10,
            now=utc_now(),
            lease=timedelta(seconds=LEASE_S),
        )
        return [describe(row, row.lease_token) for row in rows]


def accepted(container: Container) -> list[late_work.Accepted]:
    waiting = InboundRequest.status == InboundStatus.WAITING
    return claims(container, InboundRequest, late_work.claimed, waiting)


def worker(container: Container, engine: Engine, reader: Reader) -> late_work.LateWork:
    return late_work.LateWork(
        container.database, engine.targets, reader, lambda: None, lease_s=LEASE_S
    )


def late_answers(container: Container) -> list[AsyncAnswer]:
    with container.database.reading() as session:
        return list(session.scalars(select(AsyncAnswer)))


@pytest.mark.parametrize(
    ("when", "number", "is_repeatable", "asked", "success"),
    [
        ("before", 1, False, 1, True),  # claimed, not begun: the successor asks
        ("after", 1, False, 0, False),  # begun, not sent: nobody can know that, nobody asks
        ("after", 1, True, 1, True),
        ("before", 2, False, 1, False),  # asked, not ended
        ("before", 2, True, 2, True),  # the target runs a repeated Idempotency-Key once
    ],
)
def test_accepted_call_of_a_worker_that_stood_still_is_not_asked_twice(
    container: Container,
    target: Any,
    when: str,
    number: int,
    is_repeatable: bool,
    asked: int,
    success: bool,
) -> None:
    open_route(container, target, is_async=True, is_repeatable=is_repeatable)
    accept(container)

    async def act(engine: Engine, reader: Reader) -> None:
        async def successor() -> None:
            assert accepted(container) == []
            await asyncio.sleep(LEASE_S + 0.1)
            (theirs,) = accepted(container)
            await worker(container, engine, reader).run(theirs)

        (mine,) = accepted(container)
        await worker(container, engine, Stalling(when, number, successor)).run(mine)

    on_a_loop(container, act)
    assert len(target.asked) == asked
    assert len({request.headers["idempotency-key"] for request in target.asked}) <= 1
    (late,) = late_answers(container)
    assert (late.success, late.message.startswith("outcome unknown")) == (success, not success)
    assert accepted(container) == []


def test_call_that_nobody_took_up_meanwhile_is_asked_later(
    container: Container, target: Any
) -> None:
    open_route(container, target, is_async=True)
    accept(container)

    async def act(engine: Engine, reader: Reader) -> None:
        async def stand_still() -> None:
            await asyncio.sleep(LEASE_S + 0.1)

        (mine,) = accepted(container)
        await worker(container, engine, Stalling("after", 1, stand_still)).run(mine)
        assert target.asked == []
        with container.database.writing() as session:
            session.execute(update(InboundRequest).values(next_attempt_at=utc_now()))
        (again,) = accepted(container)
        await worker(container, engine, reader).run(again)

    on_a_loop(container, act)
    assert len(target.asked) == 1
    assert [late.success for late in late_answers(container)] == [True]


def to_deliver(container: Container) -> list[deliveries.Delivery]:
    pending = AsyncAnswer.status == DeliveryStatus.PENDING
    return claims(container, AsyncAnswer, deliveries.claimed, pending)


@pytest.mark.parametrize(
    ("when", "number", "posted"),
    [
        ("before", 1, 1),  # claimed, not begun
        ("after", 1, 1),  # begun, not sent: too late to send when it goes on
        ("before", 2, 2),  # sent: the bus gets the same answer to the same requestId
    ],
)
def test_late_answer_of_a_worker_that_stood_still_is_repeated_only_after_it_was_sent(
    container: Container, simulator: Simulator, when: str, number: int, posted: int
) -> None:
    with container.database.writing() as session:
        queue_late_answer(session, LateAnswer("R1", True, "", '{"n":1.10}'), "t", "c")

    async def act(engine: Engine, reader: Reader) -> None:
        def deliverer(own: Reader) -> deliveries.Deliverer:
            exchanger = engine.exchanger
            return deliveries.Deliverer(
                container.settings,
                container.database,
                container.keyring,
                exchanger,
                own,
                lease_s=LEASE_S,
            )

        async def successor() -> None:
            assert to_deliver(container) == []
            await asyncio.sleep(LEASE_S + 0.1)
            (theirs,) = to_deliver(container)
            await deliverer(reader).run(theirs)

        (mine,) = to_deliver(container)
        await deliverer(Stalling(when, number, successor)).run(mine)

    on_a_loop(container, act)
    assert simulator.seen["R1"] == posted
    assert len({read_envelope(body).data for body in simulator.bodies}) == 1
    (row,) = late_answers(container)
    assert (row.status, row.lease_token) == (DeliveryStatus.DELIVERED, None)
    assert row.next_attempt_at == NEVER


@pytest.mark.parametrize(
    ("when", "number", "is_repeatable", "asked", "success"),
    [
        ("after", 2, False, 0, False),  # taken, not sent
        ("after", 2, True, 1, True),
        ("before", 3, False, 1, False),  # asked, not ended
        ("before", 3, True, 2, True),
    ],
)
def test_call_answered_at_once_gets_one_answer_from_whoever_holds_it(
    container: Container,
    target: Any,
    esb_key: PrivateKey,
    when: str,
    number: int,
    is_repeatable: bool,
    asked: int,
    success: bool,
) -> None:
    open_route(container, target, is_async=False, is_repeatable=is_repeatable)
    raw = Seal(esb_key).envelope('{"requestId":"R1","apiCode":"A","esbBody":{}}')

    async def act(engine: Engine, reader: Reader) -> tuple[bytes, bytes]:
        second: list[bytes] = []

        def receiver(own: Reader) -> Receiver:
            made = Receiver(
                container.settings,
                container.database,
                container.keyring,
                engine.targets,
                own,
                lambda: None,
            )
            made.inbox = Inbox(container.database, LEASE_S, max_age_s=60, store_bodies=False)
            return made

        async def redelivery() -> None:
            await asyncio.sleep(LEASE_S + 0.1)
            second.append((await receiver(reader).receive("r", raw, "c2")).envelope)

        stalled = receiver(Stalling(when, number, redelivery))
        first = (await stalled.receive("r", raw, "c1")).envelope
        return first, second[0]

    first, second = on_a_loop(container, act)
    assert first == second
    assert read_answer(read_envelope(first)).success is success
    assert len(target.asked) == asked
    with container.database.reading() as session:
        (exchange,) = session.scalars(select(Exchange))
    expected = ExchangeStatus.SUCCEEDED if success else ExchangeStatus.UNKNOWN
    assert (exchange.status, exchange.attempts) == (expected, 2)


def test_call_that_was_surely_not_asked_is_asked_by_the_next_delivery(
    container: Container, target: Any, esb_key: PrivateKey
) -> None:
    open_route(container, target, is_async=False)
    raw = Seal(esb_key).envelope('{"requestId":"R1","apiCode":"A","esbBody":{}}')

    async def act(engine: Engine, reader: Reader) -> list[bool]:
        async def stand_still() -> None:
            await asyncio.sleep(LEASE_S + 0.1)

        said = []
        for own in (Stalling("after", 2, stand_still), reader):
            receiver = Receiver(
                container.settings,
                container.database,
                container.keyring,
                engine.targets,
                own,
                lambda: None,
            )
            receiver.inbox = Inbox(container.database, LEASE_S, max_age_s=60, store_bodies=False)
            answer = (await receiver.receive("r", raw, "c")).envelope
            said.append(read_answer(read_envelope(answer)).success)
        return said

    assert on_a_loop(container, act) == [False, True]
    assert len(target.asked) == 1


WORKER = """
import os
from esb_relay.config import Settings
from esb_relay.container import build_container
from esb_relay.worker import run_worker
container = build_container(Settings.read(os.environ))
print("ready", flush=True)
run_worker(container, lease_s=1.0)
"""
CALLS = 24


@pytest.fixture
def workers(container: Container) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two worker processes with leases of a second."""
    settings = container.settings
    given = {
        "VAR_DIR": str(settings.var_dir),
        "DATABASE_URL": settings.database_url_override or "",
        "LOG_LEVEL": "ERROR",
        "GOVESB_TOKEN_URL": settings.token_url or "",
        "GOVESB_ENGINE_URL": settings.engine_url or "",
        "ESB_CLIENT_ID": settings.client_id or "",
        "ESB_CLIENT_SECRET": settings.client_secret or "",
        "CLIENT_PRIVATE_KEY": settings.private_key or "",
        "GOV_ESB_PUBLIC_KEY": settings.esb_public_keys or "",
    }
    environ = {**os.environ, **{name: value for name, value in given.items() if value}}
    command = [sys.executable, "-c", WORKER]
    started = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) for _ in range(2)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    yield started
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    for process in started:
        process.communicate(timeout=20)


def test_worker_processes_that_are_stopped_for_longer_than_their_lease_ask_nothing_twice(
    container: Container,
    target: Any,
    simulator: Simulator,
    workers: list[subprocess.Popen[bytes]],
) -> None:
    open_route(container, target, is_async=True)
    target.delay_s = 0.02
    choose = random.Random(31)
    for number in range(CALLS):
        accept(container, f"R{number}")
        time.sleep(0.05)
        if number % 6 == 5:
            stopped = workers[number // 6 % 2]
            time.sleep(choose.random() * 0.1)
            stopped.send_signal(signal.SIGSTOP)
            time.sleep(1.6)
            stopped.send_signal(signal.SIGCONT)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        ended = late_answers(container)
        if [late.status for late in ended] == [DeliveryStatus.DELIVERED] * CALLS:
            break
        time.sleep(0.2)
    asked = Counter(request.headers["x-esb-request-id"] for request in target.asked)
    assert max(asked.values()) == 1
    assert {late.request_id for late in ended} == {f"R{number}" for number in range(CALLS)}
    assert all(late.status is DeliveryStatus.DELIVERED for late in ended)
    for late in ended:
        assert late.success == (late.request_id in asked) or late.message.startswith("outcome")
    assert set(simulator.seen) == {f"R{number}" for number in range(CALLS)}


def test_answer_that_cannot_be_recorded_is_said_to_be_so(
    container: Container, target: Any, esb_key: PrivateKey
) -> None:
    """Whoever asked the target must not say that nothing was done."""
    open_route(container, target, is_async=False)
    raw = Seal(esb_key).envelope('{"requestId":"R1","apiCode":"A","esbBody":{}}')

    async def act(engine: Engine, reader: Reader) -> None:
        async def lose_the_database() -> None:
            raise OperationalError("COMMIT", {}, Exception("the server went away"))

        receiver = Receiver(
            container.settings,
            container.database,
            container.keyring,
            engine.targets,
            Stalling("before", 3, lose_the_database),
            lambda: None,
        )
        with pytest.raises(NotRecorded, match="The target was asked"):
            await receiver.receive("r", raw, "c1")

    on_a_loop(container, act)
    assert len(target.asked) == 1
