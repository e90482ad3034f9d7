"""Claiming and sending: what is committed when, what is sent once, what becomes of it."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    InAppMessage,
    MessageStatus,
    OutboxEvent,
    OutboxMessage,
)
from notification.outbox.engine import Outbox
from notification.sweeper import settle_abandoned
from notification.transports import Outcome
from sqlalchemy import event, select, text

SMS = [ChannelCode.SMS]


def test_accepted_message_is_sent_with_the_providers_id(outbox: Any, store: Any, sms: Any) -> None:
    sms.answer = lambda message: sms.taken(f"id-{message.body}")
    [id_] = store.queue(body="hello")
    [done] = outbox.process(SMS, 10)
    row, [entry] = store.one(id_), store.log(id_)
    assert (done.outbox_id, done.status, done.result) == (id_, "SENT", "sent")
    assert (row.status, row.provider) == ("SENT", "test")
    assert row.sent_at
    assert (row.attempt_count, row.lease_token) == (1, None)
    assert (entry.attempt_no, entry.status, entry.provider_message_id) == (1, "sent", "id-hello")
    assert entry.ended_at


def test_message_leaves_with_its_words_its_numbers_and_our_reference(
    outbox: Any, store: Any, sms: Any
) -> None:
    store.queue(to_phone="+255712345678,+255712345679", idempotency_key="key-1")
    outbox.process(SMS, 10)
    [[left]] = sms.slices
    assert (left.reference, left.subject, left.body) == (
        "key-1",
        "Payment",
        "Your payment arrived.",
    )
    assert left.to == ("+255712345678", "+255712345679")


def test_urgent_messages_leave_first_then_those_longest_due(
    outbox: Any, store: Any, sms: Any
) -> None:
    now = utc_now()
    for name, rank, age_s in [("d", -10, 90), ("c", -50, 5), ("b", -50, 60), ("a", -100, 1)]:
        due = now - timedelta(seconds=age_s)
        store.queue(idempotency_key=name, rank=rank, next_attempt_at=due)
    outbox.process(SMS, 2)
    assert sms.sent == ["a", "b"]
    outbox.process(SMS, 10)
    assert sms.sent == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "values",
    [
        {"next_attempt_at": utc_now() + timedelta(hours=1)},
        {"status": MessageStatus.FAILED, "is_final": True, "attempt_count": 2},
        {"attempt_count": 5},
        *(
            {"status": status}
            for status in ("SENDING", "SENT", "DELIVERED", "UNKNOWN", "CANCELLED")
        ),
    ],
    ids="-".join,
)
def test_what_is_not_due_stays(outbox: Any, store: Any, sms: Any, values: dict[str, Any]) -> None:
    [id_] = store.queue(**values)
    assert outbox.process(SMS, 10) == []
    assert store.one(id_).status == values.get("status", "QUEUED")


def test_attempts_are_on_disk_before_anything_leaves_and_no_transaction_is_open(
    outbox: Any, store: Any, sms: Any, container: Any
) -> None:
    sms.slice_size = 2
    store.queue(5)
    seen = []
    in_use: set[object] = set()
    pool = container.database.engine.pool
    event.listen(pool, "checkout", lambda _connection, record, _proxy: in_use.add(record))
    event.listen(pool, "checkin", lambda _connection, record: in_use.discard(record))

    def look() -> None:
        assert not in_use
        with container.database.reading() as session:
            statuses = session.scalars(select(DeliveryLog.status)).all()
            sending = session.scalars(select(OutboxMessage.status)).all()
        seen.append((statuses.count(AttemptStatus.STARTED), statuses.count(AttemptStatus.SENT)))
        assert sending.count(MessageStatus.SENDING) == 5 - statuses.count(AttemptStatus.SENT)

    sms.before_answering = look
    outbox.process(SMS, 10)
    assert seen == [(2, 0), (2, 2), (1, 4)]


def test_one_batch_uses_one_opening_of_the_way(outbox: Any, store: Any, sms: Any) -> None:
    store.queue(25)
    opened = []
    sms.before_answering = lambda: opened.append(sms.open_batches)
    outbox.process(SMS, 100)
    assert [len(part) for part in sms.slices] == [10, 10, 5]
    assert opened == [1, 1, 1]
    assert sms.open_batches == 0


def test_refused_for_now_is_tried_again_later_until_the_last_attempt(
    outbox: Any, store: Any, sms: Any
) -> None:
    sms.answer = lambda _message: sms.refused(Outcome.REFUSED_FOR_NOW, retry_after_s=600)
    [id_] = store.queue(max_attempts=2)
    assert [one.result for one in outbox.process(SMS, 10)] == ["failed_temporary"]
    row = store.one(id_)
    assert (row.status, row.is_final, row.attempt_count) == ("FAILED", False, 1)
    assert row.next_attempt_at > utc_now() + timedelta(seconds=500)
    assert outbox.process(SMS, 10) == []

    store.change(id_, next_attempt_at=utc_now())
    assert [one.result for one in outbox.process(SMS, 10)] == ["failed_final"]
    row = store.one(id_)
    assert (row.status, row.is_final, row.attempt_count) == ("FAILED", True, 2)
    assert row.last_error == "refused"
    log = [(entry.attempt_no, entry.status, entry.error_message) for entry in store.log(id_)]
    assert log == [(1, "failed_temporary", "refused"), (2, "failed_final", "refused")]


@pytest.mark.parametrize(
    ("channel", "missing", "reason"),
    [
        (ChannelCode.SMS, {"to_phone": None}, "No to_phone"),
        (ChannelCode.EMAIL, {"to_email": None}, "No to_email"),
    ],
)
def test_message_without_an_address_fails_for_good_and_nothing_leaves(
    container: Any, store: Any, sms: Any, channel: ChannelCode, missing: Any, reason: str
) -> None:
    sms.channel = channel
    [id_] = store.queue(channel=channel, **missing)
    [done] = Outbox(container.database, {channel: sms}, 30).process([channel], 10)
    assert (done.result, done.error) == ("failed_final", reason)
    assert store.one(id_).last_error == reason
    assert sms.sent == []


def test_failed_critical_message_escalates_in_the_log_and_as_an_event(
    outbox: Any, store: Any, sms: Any, container: Any
) -> None:
    sms.answer = lambda _m: sms.refused(Outcome.REFUSED_FOR_GOOD, response={"code": 7})
    [id_] = store.queue(priority="CRITICAL", body="secret words")
    outbox.process(SMS, 10)
    assert store.log(id_)[0].response_payload == {"code": 7, "escalation_required": True}
    with container.database.reading() as session:
        [waiting] = session.scalars(select(OutboxEvent))
    event = json.loads(waiting.body)
    assert (waiting.queue, event["type"]) == ("notification.escalated", "notification.escalated")
    assert event["data"]["outbox_id"] == str(id_)
    assert event["data"]["reason"] == "refused"
    assert "secret words" not in waiting.body
    assert "+2557" not in waiting.body


def test_in_app_messages_are_delivered_into_inboxes(
    outbox: Any, store: Any, container: Any
) -> None:
    given = {"channel": ChannelCode.IN_APP, "recipient_user_id": "u7", "entity_id": "INV-1"}
    ids = store.queue(3, **given)
    done = outbox.process([ChannelCode.IN_APP], 10)
    assert [one.outbox_id for one in done] == ids
    assert {one.result for one in done} == {"delivered"}
    with container.database.reading() as session:
        inbox = session.scalars(select(InAppMessage)).all()
    assert {one.outbox_id for one in inbox} == set(ids)
    assert {(one.user_id, one.title, one.entity_id) for one in inbox} == {
        ("u7", "Payment", "INV-1")
    }
    row, [entry] = store.one(ids[0]), store.log(ids[0])
    assert (row.status, row.is_final, row.attempt_count) == ("DELIVERED", True, 1)
    assert row.delivered_at
    assert (entry.attempt_no, entry.status) == (1, "delivered")


def test_all_channels_are_served_in_one_call(outbox: Any, store: Any, sms: Any) -> None:
    store.queue(3, channel=ChannelCode.IN_APP, rank=-10)
    store.queue(3, rank=-100)
    store.queue(2, channel=ChannelCode.EMAIL)
    done = outbox.process(outbox.channels, 4)
    assert [one.result for one in done].count("sent") == 3, "the most urgent go first"
    assert len(done) == 4
    outbox.process(outbox.channels, 100)
    waiting = [row.channel for row in store.all() if row.status == "QUEUED"]
    assert waiting == ["EMAIL", "EMAIL"], "a channel without a transport waits for one"


def test_two_threads_send_each_message_once(
    container: Any, store: Any, sms: Any, in_threads: Any
) -> None:
    store.queue(300)
    outboxes = [Outbox(container.database, {ChannelCode.SMS: sms}, 30) for _ in range(2)]
    in_threads(*(lambda outbox=outbox: outbox.process(SMS, 500) for outbox in outboxes))
    assert len(sms.sent) == len(set(sms.sent)) == 300
    assert {row.status for row in store.all()} == {"SENT"}


def test_stopping_gives_back_what_was_not_begun(outbox: Any, store: Any, sms: Any) -> None:
    stopping = threading.Event()
    sms.before_answering = stopping.set
    store.queue(25)
    done = outbox.process(SMS, 100, stopping.is_set)
    assert len(done) == len(sms.sent) == 10
    rows = store.all()
    assert [row.status for row in rows].count(MessageStatus.SENT) == 10
    waiting = [row for row in rows if row.status is MessageStatus.QUEUED]
    assert len(waiting) == 15
    assert {(row.attempt_count, row.lease_token) for row in waiting} == {(0, None)}


def test_a_broken_transport_leaves_its_slice_unknown(outbox: Any, store: Any, sms: Any) -> None:
    def break_down(_message: Any) -> None:
        raise KeyError("a bug")

    sms.answer = break_down
    [id_] = store.queue()
    assert [one.result for one in outbox.process(SMS, 10)] == ["unknown"]
    assert store.one(id_).last_error == "KeyError (a bug)"


def test_outcome_that_comes_after_the_lease_was_lost_changes_nothing(
    outbox: Any, store: Any, sms: Any, container: Any
) -> None:
    sms.slice_size = 1
    first, second = store.queue(2)

    def lose() -> None:
        if len(sms.slices) == 1:
            for id_ in (first, second):
                store.change(id_, lease_until=utc_now() - timedelta(seconds=1))
            assert settle_abandoned(container.database) == 2

    sms.before_answering = lose
    done = outbox.process(SMS, 100)
    assert store.one(first).status == "UNKNOWN"
    assert [entry.status for entry in store.log(first)] == ["unknown"]
    assert [one.outbox_id for one in done] == [second], "claimed anew: it had not been begun"
    assert [entry.attempt_no for entry in store.log(second)] == [1]
    assert len(sms.sent) == len(set(sms.sent)) == 2


def test_leases_are_renewed_while_a_slice_takes_long(container: Any, store: Any, sms: Any) -> None:
    [id_] = store.queue()
    renewed = []

    def wait() -> None:
        first = store.one(id_).lease_until
        deadline = utc_now() + timedelta(seconds=30)
        while store.one(id_).lease_until == first and utc_now() < deadline:
            threading.Event().wait(0.05)
        renewed.append(store.one(id_).lease_until > first)

    sms.before_answering = wait
    Outbox(container.database, {ChannelCode.SMS: sms}, 1.5).process(SMS, 1)
    assert renewed == [True]


def test_database_that_goes_away_while_a_slice_is_under_way_costs_nothing(
    outbox: Any, store: Any, sms: Any, container: Any
) -> None:
    if container.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server that goes away")

    def cut() -> None:
        with container.database.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    sms.before_answering = cut
    store.queue(30)
    assert len(outbox.process(SMS, 100)) == 30
    assert len(sms.sent) == len(set(sms.sent)) == 30
    assert {row.status for row in store.all()} == {"SENT"}
