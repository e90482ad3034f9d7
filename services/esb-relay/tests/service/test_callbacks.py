"""Calls from the bus: verified, run once, answered with our signature."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from esb_relay.container import Container
from esb_relay.demo.messages import Seal
from esb_relay.keys.pairs import PrivateKey, generate
from esb_relay.models import InboundEnvelope, InboundRequest, OutboxEvent
from esb_relay.retention import keep_bounded
from flask import Flask
from sqlalchemy import delete, select, update


def test_call_is_handed_on_and_its_answer_signed(api: Any, bus: Any, target: Any) -> None:
    api.route(target=target.url, organization="NIDA")
    answer = bus.read(bus.call("r", body='{"id":19900101141210000123,"n":1.10}'))

    assert (answer.success, answer.esb_body) == (True, '{"n":1.1}')
    (asked,) = target.asked
    assert asked.body == b'{"id":19900101141210000123,"n":1.10}'
    assert asked.headers["x-esb-request-id"] == "R1"
    assert asked.headers["x-esb-api-code"] == "A1"
    assert asked.headers["idempotency-key"].startswith("esb-")
    (record,) = api.ask("GET", "exchanges/", query_string={"request_id": "R1"}).get_json()["data"]
    assert (record["direction"], record["mode"], record["status"]) == (
        "incoming",
        "callback",
        "succeeded",
    )
    assert (record["organization"], record["verified_by"]) == ("NIDA", "raw")


def test_xml_call_is_answered_in_xml(api: Any, bus: Any, target: Any, esb_key: PrivateKey) -> None:
    api.route(target=target.url)
    data = "<data><esbBody><n>1.10</n></esbBody><requestId>X1</requestId></data>"
    raw = bus.send("r", Seal(esb_key).envelope(data))

    assert raw.startswith(b"<esbresponse><data><success>true</success><esbBody><n>1.10</n>")
    assert bus.read(raw).success
    assert target.asked[0].body == b'{"n":"1.10"}'


def test_repeated_delivery_runs_the_target_once_and_gets_the_same_answer(
    api: Any, bus: Any, target: Any
) -> None:
    api.route(target=target.url)
    first = bus.call("r")

    assert [bus.call("r") for _ in range(3)] == [first] * 3
    assert len(target.asked) == 1
    (record,) = api.ask("GET", "exchanges/").get_json()["data"]
    assert record["attempts"] == 4


def test_deliveries_at_the_same_time_run_the_target_once(api: Any, bus: Any, target: Any) -> None:
    api.route(target=target.url)
    target.delay_s = 0.3
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: bus.call("r"), range(6)))
    assert len(set(answers)) == 1
    assert len(target.asked) == 1


def test_same_request_id_on_another_route_is_another_call(api: Any, bus: Any, target: Any) -> None:
    api.route(target=target.url)
    api.route(name="s", target=target.url)
    bus.call("r")
    assert bus.read(bus.call("s", body='{"n":2}')).success
    assert len(target.asked) == 2


ENVELOPE = '{"apiCode":"A1","requestId":"R1","esbBody":{"n":1.10}}'


@pytest.mark.parametrize("second", ["r", "s", "later", "queue"])
def test_signed_message_acts_once_over_all_routes(
    api: Any, bus: Any, container: Container, target: Any, second: str
) -> None:
    api.route(target=target.url)
    api.route(name="s", target=target.url)
    api.route(name="later", target=target.url, is_async=True)
    api.route(name="queue", target_kind="queue", target="esb.calls")
    first = bus.send("r", Seal(bus.key).envelope(ENVELOPE))
    signed_anew = Seal(bus.key).envelope(ENVELOPE)
    spaced = Seal(bus.key).envelope(ENVELOPE.replace(":", ": "), signed=ENVELOPE)

    for copy in (signed_anew, spaced):
        again = bus.send(second, copy)
        if second == "r":
            assert again == first
        else:
            answer = bus.read(again)
            assert (answer.success, "acted on already" in (answer.message or "")) == (False, True)
    assert len(target.asked) == 1
    with container.database.reading() as session:
        assert [row.route for row in session.scalars(select(InboundRequest))] == ["r"]
        assert not session.scalars(select(OutboxEvent)).all()


def test_copies_at_the_same_time_at_several_routes_act_once(
    api: Any, bus: Any, target: Any
) -> None:
    routes = ["r", "s", "t"] * 3
    for name in set(routes):
        api.route(name=name, target=target.url)
    target.delay_s = 0.2
    raw = Seal(bus.key).envelope(ENVELOPE)
    with ThreadPoolExecutor(len(routes)) as threads:
        answers = list(threads.map(lambda name: bus.send(name, raw), routes))

    assert len(target.asked) == 1
    assert sum(bus.read(one).success for one in answers) == 3  # those at the route that was first


def test_message_that_was_not_acted_on_may_go_to_another_route(
    api: Any, bus: Any, target: Any
) -> None:
    api.route(target="http://127.0.0.1:9/")
    api.route(name="s", target=target.url)
    raw = Seal(bus.key).envelope(ENVELOPE)

    assert not bus.read(bus.send("r", raw)).success
    assert bus.read(bus.send("s", raw)).success


@pytest.mark.parametrize("is_purged", [False, True])
def test_repeat_is_not_answered_for_ever(
    api: Any, bus: Any, container: Container, target: Any, is_purged: bool
) -> None:
    api.route(target=target.url)
    bus.call("r")
    with container.database.writing() as session:
        if is_purged:
            session.execute(delete(InboundRequest))
        else:
            long_ago = utc_now() - timedelta(days=1, seconds=5)
            session.execute(update(InboundEnvelope).values(received_at=long_ago))
    answer = bus.read(bus.call("r"))

    assert not answer.success
    assert "too long ago" in (answer.message or "")
    assert len(target.asked) == 1


def test_message_that_a_former_version_took_is_still_answered_once(
    api: Any, bus: Any, container: Container, target: Any
) -> None:
    api.route(target=target.url)
    first = bus.call("r")
    with container.database.writing() as session:
        session.execute(delete(InboundEnvelope))

    assert [bus.call("r"), bus.call("r")] == [first, first]
    assert len(target.asked) == 1


def test_messages_acted_on_are_remembered_for_longer_than_their_answers(
    api: Any, bus: Any, container: Container, target: Any
) -> None:
    api.route(target=target.url)
    bus.call("r")
    for days, kept in ((100, 1), (4_000, 0)):
        with container.database.writing() as session:
            moment = utc_now() - timedelta(days=days)
            session.execute(update(InboundEnvelope).values(received_at=moment))
            session.execute(update(InboundRequest).values(received_at=moment))
        keep_bounded(container.database, container.settings)
        with container.database.reading() as session:
            assert len(session.scalars(select(InboundEnvelope)).all()) == kept
            assert not session.scalars(select(InboundRequest)).all()


def test_targets_rejection_is_passed_on_with_its_reason(api: Any, bus: Any, target: Any) -> None:
    api.route(target=target.url)
    target.status, target.body = 422, b'{"detail":"nin: too short","n":1.10}'
    answer = bus.read(bus.call("r"))

    assert (answer.success, answer.message) == (False, "nin: too short")
    assert answer.esb_body == '{"detail":"nin: too short","n":1.1}'


@pytest.mark.parametrize(
    ("body", "esb_body"),
    [(b"", None), (b"plain words", '"plain words"'), (b"\xff\xfe", None), (b"[1, 2.0]", "[1,2.0]")],
)
def test_targets_answer_becomes_the_body(
    api: Any, bus: Any, target: Any, body: bytes, esb_body: str | None
) -> None:
    api.route(target=target.url)
    target.body = body
    answer = bus.read(bus.call("r"))
    assert (answer.success, answer.esb_body) == (True, esb_body)


def test_answer_that_xml_cannot_hold_is_said_so(
    api: Any, bus: Any, target: Any, esb_key: PrivateKey
) -> None:
    api.route(target=target.url)
    target.body = b'{"a b":1}'
    data = "<data><requestId>X2</requestId></data>"
    answer = bus.read(bus.send("r", Seal(esb_key).envelope(data)))
    assert not answer.success
    assert "carried out" in (answer.message or "")


@pytest.mark.parametrize("raw", [b"", b"<html></html>", b"{}", b'{"data":{}}', b"\xff", b"[" * 999])
def test_what_is_no_envelope_is_400(app: Flask, raw: bytes) -> None:
    answer = app.test_client().post("/api/esb/inbound/r", data=raw)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_call_that_nobody_vouches_for_is_refused_and_not_handed_on(
    api: Any, bus: Any, target: Any, p256: PrivateKey
) -> None:
    api.route(target=target.url)
    stranger = generate(p256.curve)
    answer = bus.read(bus.call("r", key=stranger))

    assert not answer.success
    assert "not signed by" in (answer.message or "")
    assert not target.asked
    assert bus.read(bus.call("r")).success


@pytest.mark.parametrize(
    ("route", "request_id", "reason"),
    [
        ("nowhere", "R1", "no such route"),
        ("closed", "R1", "no such route"),
        ("r", None, "requestId is missing"),
        ("r", "", "requestId is missing"),
        ("r", "x" * 300, "255 characters"),
    ],
)
def test_verified_call_that_cannot_be_served_is_refused_with_a_signature(
    api: Any, bus: Any, target: Any, route: str, request_id: str | None, reason: str
) -> None:
    api.route(target=target.url)
    api.route(name="closed", target=target.url, is_active=False)
    answer = bus.read(bus.call(route, request_id))

    assert not answer.success
    assert reason in (answer.message or "")
    assert not target.asked
    (record,) = api.ask("GET", "exchanges/").get_json()["data"]
    assert record["status"] == "refused"


def test_target_that_was_not_reached_is_asked_at_the_next_delivery(
    api: Any, bus: Any, target: Any
) -> None:
    made = api.route(target="http://127.0.0.1:9/")
    assert not bus.read(bus.call("r")).success
    api.ask("PATCH", f"routes/{made['id']}/", json={"target": target.url})

    assert bus.read(bus.call("r")).success
    assert len(target.asked) == 1


def test_target_that_does_not_answer_is_an_unknown_outcome_and_not_asked_again(
    api: Any, bus: Any, target: Any
) -> None:
    api.route(target=target.url)
    target.delay_s = 2.5
    first = bus.call("r")

    assert "outcome unknown" in (bus.read(first).message or "")
    assert bus.call("r") == first
    assert len(target.asked) == 1


@pytest.mark.parametrize("is_repeatable", [False, True])
def test_delivery_after_a_died_one_asks_again_only_where_that_is_harmless(
    api: Any, bus: Any, container: Container, target: Any, is_repeatable: bool
) -> None:
    api.route(target=target.url, is_repeatable=is_repeatable)
    bus.call("r")
    with container.database.writing() as session:  # as if its process had died before the answer
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(InboundRequest).values(answer=None, lease_until=past))
    answer = bus.read(bus.call("r"))

    assert answer.success is is_repeatable
    assert len(target.asked) == (2 if is_repeatable else 1)
    if not is_repeatable:
        assert "outcome unknown" in (answer.message or "")


def test_proxy_route_needs_our_own_credentials(
    app_with: Callable[..., Flask],
    api_of: Callable[..., Any],
    bus: Any,
    target: Any,
) -> None:
    base = target.url.removesuffix("/take")
    app = app_with(proxy_gateway_url=base, proxy_client_secret="own secret")
    api_of(app).route(target_kind="proxy", target="/patients/new")
    bus.app = app

    assert bus.read(bus.call("r")).success
    (asked,) = target.asked
    assert asked.path == "/patients/new"
    assert (asked.headers["x-client-id"], asked.headers["x-client-secret"]) == (
        "esb-relay",
        "own secret",
    )


def test_call_for_a_queue_becomes_an_event_once(api: Any, bus: Any, container: Container) -> None:
    api.route(target_kind="queue", target="esb.calls", organization="NIDA")
    first = bus.call("r", body='{"n":1.10,"nin":19900101141210000123}')

    assert bus.read(first).success
    assert bus.call("r") == first
    with container.database.reading() as session:
        (event,) = session.scalars(select(OutboxEvent)).all()
    assert event.queue == "esb.calls"
    assert '"esb_body":{"n":1.10,"nin":19900101141210000123}' in event.body
    said = json.loads(event.body)
    assert (said["specversion"], said["type"]) == ("1.0", "kiungo.esb.callback")
    assert said["data"]["request_id"] == "R1"


def test_missing_keys_are_named(app_with: Callable[..., Flask], bus: Any) -> None:
    bus.app = app_with(private_key=None)
    envelope = Seal(bus.key).envelope('{"requestId":"R1"}')
    answer = bus.app.test_client().post("/api/esb/inbound/r", data=envelope)
    assert answer.status_code == 503
    assert "CLIENT_PRIVATE_KEY" in answer.get_json()["detail"]
