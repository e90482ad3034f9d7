"""A closed way costs no message an attempt, and everything is sent when it opens."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from common.clock import rfc3339, utc_now
from common.db.database import Database
from notification.models import (
    AttemptStatus,
    AuditEvent,
    ChannelCode,
    MessageStatus,
    OutboxMessage,
    TransportState,
)
from notification.outbox.engine import Outbox
from notification.outbox.transports import write_gate
from notification.transports import Outcome, Result
from notification.transports.gate import Gate, GateState
from notification.transports.sms import SmsTransport
from notification.transports.sms.generic import Generic
from notification.transports.sms.http_provider import HttpProvider
from notification.transports.sms.settings import SmsSettings
from raw_mediator import RawMediator, answer
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

SMS = [ChannelCode.SMS]
BUSY = answer(b"", "429 Slow down", "Retry-After: 1")


class Limited:
    """A provider that takes `rate` messages in any second, and answers 429 beyond."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.taken: list[float] = []
        self._window: deque[float] = deque()
        self._lock = threading.Lock()

    def __call__(self, sock: Any, received: Any) -> Any:
        with self._lock:
            now = time.monotonic()
            while self._window and self._window[0] < now - 1.0:
                self._window.popleft()
            is_taken = len(self._window) < self.rate
            if is_taken:
                self._window.append(now)
                self.taken.append(now)
        reference = json.loads(received.body)["reference"]
        yes = answer(json.dumps({"message_id": reference}).encode())
        return (yes if is_taken else BUSY)(sock, received)


@pytest.fixture
def server() -> Iterator[RawMediator]:
    made = RawMediator()
    yield made
    made.close()


@pytest.fixture
def gateway(container: Any, server: RawMediator) -> Iterator[Outbox]:
    """The engine before a provider behind HTTP."""
    provider = HttpProvider(Generic(SmsSettings(name="generic", url=f"{server.url}/send")))
    transport = SmsTransport([provider], smallest_slice=64)
    yield Outbox(container.database, {ChannelCode.SMS: transport}, 30.0)
    transport.close()


def drain(outbox: Outbox, until: Callable[[], bool], at_most_s: float = 60.0) -> None:
    """What a worker's worker does."""
    deadline = time.monotonic() + at_most_s
    while not until() and time.monotonic() < deadline:
        if not outbox.process(SMS, 100):
            time.sleep(min(outbox.pause_s(ChannelCode.SMS) or 0.05, 0.5))


@pytest.mark.faults  # for a machine that does nothing else: it looks at the rate
@pytest.mark.timeout(400)
@pytest.mark.parametrize("limit", [100, 10])
def test_all_are_sent_at_the_providers_rate_with_two_attempts_allowed(
    gateway: Outbox, server: RawMediator, store: Any, limit: int
) -> None:
    server.default = limited = Limited(rate=limit)
    store.queue(2_000, max_attempts=2)

    drain(gateway, lambda: len(limited.taken) >= 2_000, at_most_s=2_000 / limit * 1.5 + 30)

    assert {row.status for row in store.all()} == {MessageStatus.SENT}
    assert {row.attempt_count for row in store.all()} == {1}
    paced = [at for at in limited.taken if at > limited.taken[200]]
    rate = len(paced) / (paced[-1] - paced[0])
    assert 0.8 * limit <= rate <= limit


def test_a_provider_that_takes_ten_a_second_gets_all_of_sixty(
    gateway: Outbox, server: RawMediator, store: Any
) -> None:
    server.default = limited = Limited(rate=10)
    store.queue(60, max_attempts=2)

    drain(gateway, lambda: len(limited.taken) >= 60)

    assert {row.status for row in store.all()} == {MessageStatus.SENT}
    assert {row.attempt_count for row in store.all()} == {1}
    assert len(server.received) > 60, "it had to say that it takes no more"


def test_too_many_requests_cost_no_attempt_and_are_on_record(
    gateway: Outbox, server: RawMediator, store: Any, api: Any
) -> None:
    server.default = answer(b"", "429 Slow down", "Retry-After: 60")
    ids = store.queue(200, max_attempts=2)

    gateway.process(SMS, 500)

    assert {row.status for row in store.all()} == {MessageStatus.QUEUED}
    assert {row.attempt_count for row in store.all()} == {0}
    assert len(server.received) <= 16, "those under way; nobody asks again"
    (entry,) = store.log(ids[0])
    assert entry.status is AttemptStatus.POSTPONED
    assert entry.error_message == "generic answered 429"
    (transport,) = api.get("transports/").json["data"]
    assert (transport["channel"], transport["provider"]) == ("SMS", "generic")
    assert (transport["reason"], transport["closings"]) == ("generic answered 429", 1)
    assert (
        api.get("").json["troubled_transports"]
        == api.get("metrics/").json["troubled_transports"]
        == [transport]
    )
    assert gateway.process(SMS, 500) == []
    assert gateway.pause_s(ChannelCode.SMS) > 50


def test_failures_in_a_row_close_the_way_and_cost_no_attempt(
    gateway: Outbox, server: RawMediator, store: Any
) -> None:
    server.default = answer(b"", "500 Oh")
    store.queue(100, max_attempts=2)

    gateway.process(SMS, 100)

    assert {row.status for row in store.all()} == {MessageStatus.QUEUED}
    assert {row.attempt_count for row in store.all()} == {0}


def test_a_single_failure_is_its_messages(gateway: Outbox, server: RawMediator, store: Any) -> None:
    server.default = lambda sock, received: (
        answer(b"", "500 Oh") if b"odd" in received.body else answer(b'{"id": "m"}')
    )(sock, received)
    store.queue(5)
    [failed] = store.queue(body="odd")
    store.queue(5)

    gateway.process(SMS, 100)

    assert store.one(failed).status is MessageStatus.FAILED
    assert [row.status for row in store.all()].count(MessageStatus.SENT) == 10


def refused_log_in(_message: Any) -> Result:
    error = "the server does not accept our credentials"
    return Result(outcome=Outcome.TRANSPORT_CLOSED, provider="test", error=error)


@pytest.fixture
def gated(sms: Any) -> Gate:
    """The tests' own way, with a gate that its results go by."""
    gate = Gate(ChannelCode.SMS, "test")
    sms.gates.append(gate)
    send = sms.send

    def noted(messages: Any) -> Any:
        results = send(messages)
        gate.note(results)
        return results

    sms.send = noted
    return gate


@pytest.fixture
def outbox(container: Any, sms: Any, gated: Gate) -> Outbox:
    return Outbox(container.database, {ChannelCode.SMS: sms}, 30.0)


def test_a_refused_log_in_costs_nobody_an_attempt(outbox: Outbox, store: Any, sms: Any) -> None:
    sms.answer = refused_log_in
    ids = store.queue(30, max_attempts=1)

    done = outbox.process(SMS, 100)

    assert len(sms.slices) == 1, "the second slice is not even tried"
    assert {one.result for one in done} == {AttemptStatus.POSTPONED}
    assert {row.attempt_count for row in store.all()} == {0}
    assert {row.status for row in store.all()} == {MessageStatus.QUEUED}
    assert [row.next_attempt_at for row in map(store.one, ids)] == sorted(
        row.next_attempt_at for row in store.all()
    )


def test_one_message_tries_a_way_that_was_closed_then_all_do(
    outbox: Outbox, store: Any, sms: Any, gated: Gate, container: Any
) -> None:
    sms.answer = refused_log_in
    first = store.queue(30, max_attempts=1)[0]
    outbox.process(SMS, 100)
    gated.state = gated.recorded = gated.state.__class__(
        utc_now() - timedelta(seconds=1), "was closed", utc_now(), 1, 1
    )
    sms.answer = lambda _message: sms.taken()

    while outbox.process(SMS, 100):
        pass

    assert list(map(len, sms.slices[1:4])) == [1, 2, 4]
    assert {row.status for row in store.all()} == {MessageStatus.SENT}
    entries = [one.status for one in store.log(first)]
    assert entries == [AttemptStatus.POSTPONED, AttemptStatus.SENT]


def test_another_process_learns_of_a_closed_way(
    outbox: Outbox, store: Any, sms: Any, container: Any
) -> None:
    sms.answer = refused_log_in
    store.queue(1)
    outbox.process(SMS, 100)
    other_gate = type(sms)(ChannelCode.SMS)
    other_gate.gates.append(Gate(ChannelCode.SMS, "test"))
    other = Outbox(container.database, {ChannelCode.SMS: other_gate}, 30.0)

    assert other.process(SMS, 100) == []
    assert other_gate.slices == []


def test_an_operator_opens_a_way(
    outbox: Outbox, store: Any, sms: Any, api: Any, container: Any, console: Any, csrf: Any
) -> None:
    sms.answer = refused_log_in
    store.queue(1)
    outbox.process(SMS, 100)
    page = console("operator").get("/admin/notification/").text
    assert "does not accept our credentials" in page

    assert api.post("transports/SMS/test/open/").json["closed_until"] is None

    assert api.get("transports/").json["data"] == []
    with container.database.reading() as session:
        assert session.get_one(TransportState, (ChannelCode.SMS, "test")).closings == 0
    sms.answer = lambda _message: sms.taken()
    time.sleep(1.1)
    assert len(outbox.process(SMS, 100)) == 1
    act = "/admin/notification/transports/SMS/test/open/"
    assert console("operator").post(act, data=csrf).status_code == 303
    assert console("viewer").post(act, data=csrf).status_code == 403
    assert api.post("transports/SMS/nobody/open/").status_code == 404
    assert api.post("transports/PIGEON/test/open/").status_code == 404


# Many at once


def test_messages_of_a_filter_are_requeued_and_cancelled(
    store: Any, api: Any, outbox: Outbox
) -> None:
    failed = {"status": MessageStatus.FAILED, "is_final": True, "attempt_count": 5}
    store.queue(700, **failed)
    store.queue(1, **failed, event_code="LICENCE_ISSUED")
    store.queue(1, **failed, body=None)
    sent = store.queue(1, status=MessageStatus.SENT)

    wanted = {"status": "FAILED", "event_code": "PAYMENT_CONFIRMED"}
    assert api.post("outbox/requeue/", wanted).json == {
        "ok": True,
        "count": 700,
        "left_out": 0,
        "is_complete": True,
    }
    assert api.post("outbox/cancel/", {"channel": "SMS"}).json["count"] == 702
    assert store.one(sent[0]).status is MessageStatus.SENT
    queued = [row for row in store.all() if row.status is MessageStatus.QUEUED]
    assert queued == []


def test_messages_that_were_requeued_before_are_left_out_unless_they_are_wanted(
    store: Any, api: Any
) -> None:
    failed = {"status": MessageStatus.FAILED, "is_final": True, "attempt_count": 5}
    [first] = store.queue(1, **failed)
    api.post("outbox/requeue/", {"channel": "SMS"})
    store.change(first, **failed)
    store.queue(2, **failed)

    again = api.post("outbox/requeue/", {"channel": "SMS"}).json
    assert (again["count"], again["left_out"]) == (2, 1)
    assert store.one(first).status is MessageStatus.FAILED
    wanted = api.post("outbox/requeue/", {"channel": "SMS", "include_repeated": True}).json
    assert (wanted["count"], wanted["left_out"]) == (1, 0)


@pytest.mark.parametrize("status", ["UNKNOWN", "CANCELLED"])
def test_what_may_arrive_twice_or_was_stopped_is_requeued_by_name(
    store: Any, api: Any, status: str
) -> None:
    [message] = store.queue(1, status=MessageStatus(status), is_final=True, attempt_count=1)

    assert api.post("outbox/requeue/", {"channel": "SMS"}).json["left_out"] == 1
    assert store.one(message).status == status
    assert api.post("outbox/requeue/", {"status": status}).json["count"] == 1


@pytest.mark.parametrize(
    "given",
    [{}, {"include_repeated": True}, {"status": None}, {"colour": "red"}, {"status": "NEW"}],
)
def test_a_filter_needs_a_condition(api: Any, given: Any) -> None:
    assert api.post("outbox/requeue/", given).status_code == 422
    assert api.post("outbox/cancel/", given).status_code == 422


def test_a_paused_transport_shows_in_readiness_and_metrics(
    container: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    assert client.get("/readyz").json == {"ok": True, "database": True, "transports": []}
    now = utc_now()
    until = now + timedelta(minutes=5)
    with container.database.writing() as session:
        write_gate(session, SMS[0], "beem", GateState(until, "no credit", now, 2), now)
        write_gate(session, SMS[0], "mgov", GateState(None, None, now, 1), now)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    paused, tried = answer.json["transports"]
    assert (paused["channel"], paused["provider"], paused["state"]) == ("SMS", "beem", "paused")
    assert (paused["until"], paused["reason"]) == (rfc3339(until), "no credit")
    assert (tried["provider"], tried["state"]) == ("mgov", "being tried")
    lines = client.get("/metrics").text.splitlines()
    for provider, is_paused, closings in (("beem", 1, 2), ("mgov", 0, 1)):
        labels = f'{{channel="SMS",provider="{provider}"}}'
        assert f"kiungo_notification_transport_paused{labels} {is_paused}.0" in lines
        assert f"kiungo_notification_transport_closings{labels} {closings}.0" in lines

    def away() -> Any:
        raise SQLAlchemyError("away")

    monkeypatch.setattr(Database, "reading", lambda _self: away())
    assert "kiungo_notification" not in client.get("/metrics").text


def test_messages_with_an_unknown_outcome_are_counted_without_being_shown(
    app: Any, api: Any, client: Any
) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    client.emit("anna", "juma", "neema")
    with client.container.database.writing() as session:
        for one in session.scalars(select(OutboxMessage).limit(2)):
            one.status = MessageStatus.UNKNOWN
        before = session.scalar(select(func.count()).select_from(AuditEvent))

    lines = app.test_client().get("/metrics").text.splitlines()

    assert "kiungo_notification_unknown_messages 2.0" in lines
    with client.container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditEvent)) == before
