"""Late answers: accepted calls asked by a worker, answers posted until the engine has them."""

from collections.abc import Iterator
from typing import Any

import pytest
from common.clock import utc_now
from esb_relay.models import AsyncAnswer, DeliveryStatus, InboundRequest, InboundStatus
from esb_relay.parts import Parts
from esb_relay.stand_in.server import StandIn
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import read_answer
from esb_relay.worker import RelayWork
from sqlalchemy import select, update


@pytest.fixture
def work(parts: Parts) -> Iterator[RelayWork]:
    made = RelayWork(parts)
    yield made
    made.drain()


def run_all(parts: Parts, work: RelayWork) -> None:
    """Everything that is due now, to its end; what was put off is due as well."""
    for _ in range(3):
        while work.step():
            pass
        work._calls.drain()
        work._answers.drain()
        work.__init__(parts)  # type: ignore[misc]
        with parts.database.writing() as session:
            for model, status, waiting in (
                (AsyncAnswer, AsyncAnswer.status, DeliveryStatus.PENDING),
                (InboundRequest, InboundRequest.status, InboundStatus.WAITING),
            ):
                session.execute(
                    update(model).where(status == waiting).values(next_attempt_at=utc_now())
                )


def delivered(parts: Parts, request_id: str) -> AsyncAnswer:
    with parts.database.reading() as session:
        return session.scalars(
            select(AsyncAnswer).where(AsyncAnswer.request_id == request_id)
        ).one()


def test_accepted_call_is_answered_at_once_and_its_target_later(
    api: Any, bus: Any, target: Any, parts: Parts, work: RelayWork, stand_in: StandIn
) -> None:
    api.route(target=target.url, is_async=True)
    first = bus.call("r")
    assert (bus.read(first).success, bus.read(first).esb_body) == (True, None)
    assert bus.call("r") == first
    assert not target.asked

    run_all(parts, work)
    assert len(target.asked) == 1
    assert delivered(parts, "R1").status is DeliveryStatus.DELIVERED
    late = read_answer(read_envelope(stand_in.bodies[-1]))
    assert (late.success, late.request_id, late.esb_body) == (True, "R1", '{"n":1.1}')
    assert stand_in.seen["R1"] == 1
    assert bus.call("r") == first


def test_targets_refusal_is_answered_late_as_well(
    api: Any, bus: Any, target: Any, parts: Parts, work: RelayWork, stand_in: StandIn
) -> None:
    api.route(target=target.url, is_async=True)
    target.status, target.body = 404, b'{"error":"no such person"}'
    bus.call("r")
    run_all(parts, work)
    late = read_answer(read_envelope(stand_in.bodies[-1]))
    assert (late.success, late.message) == (False, "no such person")


@pytest.mark.parametrize("case", ["busy-503", "hang-up", "reset", "unauthorized"])
def test_late_answer_is_posted_until_the_engine_takes_it(
    api: Any, parts: Parts, work: RelayWork, stand_in: StandIn, case: str
) -> None:
    request_id = f"R!{case}:2"
    queued = api.ask("POST", "async-response/", json={"request_id": request_id, "body": 1})
    assert queued.status_code == 202, queued.text
    run_all(parts, work)

    assert delivered(parts, request_id).status is DeliveryStatus.DELIVERED
    assert stand_in.seen[request_id] == 3
    log = api.ask("GET", "exchanges/", query_string={"mode": "async"}).get_json()["data"]
    assert log[0]["status"] == "succeeded"


def test_signed_refusal_of_a_late_answer_is_final(
    api: Any, parts: Parts, work: RelayWork, stand_in: StandIn
) -> None:
    api.ask("POST", "async-response/", json={"request_id": "R!failure", "body": 1})
    run_all(parts, work)

    row = delivered(parts, "R!failure")
    assert (row.status, row.last_error) == (DeliveryStatus.REFUSED, "Hakuna mtu huyu")
    assert stand_in.seen["R!failure"] == 1


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
    api: Any, bus: Any, target: Any, parts: Parts, work: RelayWork
) -> None:
    made = api.route(target="http://127.0.0.1:9/", is_async=True)
    bus.call("r")
    run_all(parts, work)
    api.ask("PATCH", f"routes/{made['id']}/", json={"target": target.url})
    run_all(parts, work)

    assert len(target.asked) == 1
    assert delivered(parts, "R1").success


def test_call_whose_worker_died_is_not_run_again(
    api: Any, bus: Any, target: Any, parts: Parts, work: RelayWork
) -> None:
    api.route(target=target.url, is_async=True)
    bus.call("r")
    with parts.database.writing() as session:  # as its worker left it
        session.execute(update(InboundRequest).values(sent_at=utc_now(), attempt_count=1))
    run_all(parts, work)

    assert not target.asked
    row = delivered(parts, "R1")
    assert not row.success
    assert "outcome unknown" in row.message
