"""Late answers: accepted calls asked by a worker, answers posted until the engine has them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from common.clock import utc_now
from common.db.reader import Reader
from common.loop_thread import LoopThread
from esb_relay.container import Container, build_engine
from esb_relay.demo.server import Simulator
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.models import AsyncAnswer, DeliveryStatus, InboundRequest, InboundStatus
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import read_answer
from esb_relay.worker import LEASE_S, _accepted_calls, _late_answers
from sqlalchemy import select, update

RunAll = Callable[[], None]


async def run_due(container: Container) -> None:
    """Everything that is due now, to its end, by a worker of its own."""
    reader = Reader()
    engine = build_engine(container, reader, ExchangeWriter(container.database.engine))
    for hands in (
        _accepted_calls(container, engine, reader, LEASE_S),
        _late_answers(container, engine, reader, LEASE_S),
    ):
        while await hands._start_due():
            await asyncio.gather(*hands._running)
    await engine.exchanger.close()
    engine.targets.close()
    reader.close()


@pytest.fixture
def run_all(container: Container, loop: LoopThread) -> RunAll:
    """Runs everything that is due now, to its end; what was put off is due as well."""

    def run() -> None:
        for _ in range(3):
            loop.run(run_due(container))
            with container.database.writing() as session:
                for model, status, waiting in (
                    (AsyncAnswer, AsyncAnswer.status, DeliveryStatus.PENDING),
                    (InboundRequest, InboundRequest.status, InboundStatus.WAITING),
                ):
                    session.execute(
                        update(model).where(status == waiting).values(next_attempt_at=utc_now())
                    )

    return run


def delivered(container: Container, request_id: str) -> AsyncAnswer:
    with container.database.reading() as session:
        return session.scalars(
            select(AsyncAnswer).where(AsyncAnswer.request_id == request_id)
        ).one()


def test_accepted_call_is_answered_at_once_and_its_target_later(
    api: Any, bus: Any, target: Any, container: Container, run_all: RunAll, simulator: Simulator
) -> None:
    api.route(target=target.url, is_async=True)
    first = bus.call("r")
    assert (bus.read(first).success, bus.read(first).esb_body) == (True, None)
    assert bus.call("r") == first
    assert not target.asked

    run_all()
    assert len(target.asked) == 1
    assert delivered(container, "R1").status is DeliveryStatus.DELIVERED
    late = read_answer(read_envelope(simulator.bodies[-1]))
    assert (late.success, late.request_id, late.esb_body) == (True, "R1", '{"n":1.1}')
    assert simulator.seen["R1"] == 1
    assert bus.call("r") == first


def test_targets_rejection_is_answered_late_as_well(
    api: Any, bus: Any, target: Any, container: Container, run_all: RunAll, simulator: Simulator
) -> None:
    api.route(target=target.url, is_async=True)
    target.status, target.body = 404, b'{"error":"no such person"}'
    bus.call("r")
    run_all()
    late = read_answer(read_envelope(simulator.bodies[-1]))
    assert (late.success, late.message) == (False, "no such person")


@pytest.mark.parametrize("case", ["busy-503", "hang-up", "reset", "unauthorized"])
def test_late_answer_is_posted_until_the_engine_takes_it(
    api: Any, container: Container, run_all: RunAll, simulator: Simulator, case: str
) -> None:
    request_id = f"R!{case}:2"
    queued = api.ask("POST", "async-response/", json={"request_id": request_id, "body": 1})
    assert queued.status_code == 202, queued.text
    run_all()

    assert delivered(container, request_id).status is DeliveryStatus.DELIVERED
    assert simulator.seen[request_id] == 3
    log = api.ask("GET", "exchanges/", query_string={"mode": "async"}).get_json()["data"]
    assert log[0]["status"] == "succeeded"


def test_signed_rejection_of_a_late_answer_is_final(
    api: Any, container: Container, run_all: RunAll, simulator: Simulator
) -> None:
    api.ask("POST", "async-response/", json={"request_id": "R!failure", "body": 1})
    run_all()

    row = delivered(container, "R!failure")
    assert (row.status, row.last_error) == (DeliveryStatus.REFUSED, "Hakuna mtu huyu")
    assert simulator.seen["R!failure"] == 1


def test_same_late_answer_again_changes_nothing_and_another_is_refused(api: Any) -> None:
    def post(**given: Any) -> Any:
        return api.ask("POST", "async-response/", json={"request_id": "R9", **given})

    first = post(body={"a": 1})
    assert post(body={"a": 1}).get_json()["id"] == first.get_json()["id"]
    assert post(body={"a": 2}).status_code == 409
    assert post(success=False, message="no").status_code == 409


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"request_id": " "},
        {"request_id": "R", "success": False},
        {"request_id": "R", "format": "xml", "body": {"a b": 1}},
        {"request_id": "R", "surprise": 1},
    ],
)
def test_bad_late_answer_is_refused(api: Any, given: dict[str, Any]) -> None:
    answer = api.ask("POST", "async-response/", json=given)
    assert answer.status_code == 422, answer.text


def test_target_that_is_away_is_asked_later(
    api: Any, bus: Any, target: Any, container: Container, run_all: RunAll
) -> None:
    made = api.route(target="http://127.0.0.1:9/", is_async=True)
    bus.call("r")
    run_all()
    api.ask("PATCH", f"routes/{made['id']}/", json={"target": target.url})
    run_all()

    assert len(target.asked) == 1
    assert delivered(container, "R1").success


def test_call_whose_worker_died_is_not_run_again(
    api: Any, bus: Any, target: Any, container: Container, run_all: RunAll
) -> None:
    api.route(target=target.url, is_async=True)
    bus.call("r")
    with container.database.writing() as session:  # as its worker left it
        session.execute(update(InboundRequest).values(sent_at=utc_now(), attempt_count=1))
    run_all()

    assert not target.asked
    row = delivered(container, "R1")
    assert not row.success
    assert "outcome unknown" in row.message
