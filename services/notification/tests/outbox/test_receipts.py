"""Delivery receipts: forward only, never back, never another attempt's."""

from dataclasses import replace
from typing import Any

import pytest
from notification import create_app
from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxEvent
from notification.outbox.receiving import forward, receive_receipts
from notification.sms_settings import SmsSettings
from notification.transports import Outcome
from notification.transports.receipts import Receipt
from sqlalchemy import func, select

SMS = ["SMS"]
S = MessageStatus


@pytest.mark.parametrize(
    ("status", "delivered", "moved_to"),
    [
        (S.SENT, True, S.DELIVERED),
        (S.SENT, False, S.FAILED),
        (S.SENT, None, None),
        (S.UNKNOWN, True, S.DELIVERED),
        (S.UNKNOWN, False, S.FAILED),
        (S.UNKNOWN, None, S.SENT),
        *(
            (status, delivered, None)
            for status in (S.QUEUED, S.SENDING, S.DELIVERED, S.FAILED, S.CANCELLED)
            for delivered in (True, False, None)
        ),
    ],
)
def test_messages_only_move_forward(status: Any, delivered: Any, moved_to: Any) -> None:
    assert forward(status, delivered) is moved_to


def report(
    message_id: str | None = None, reference: str | None = None, delivered: bool | None = True
) -> Receipt:
    reason = None if delivered else "EXPIRED"
    return Receipt(
        provider_message_id=message_id, reference=reference, delivered=delivered, reason=reason
    )


@pytest.fixture
def take(parts: Any) -> Any:
    def act(*receipts: Receipt, provider: str = "test") -> dict[str, int]:
        with parts.database.writing() as session:
            return dict(receive_receipts(session, provider, receipts))

    return act


@pytest.fixture
def sent(outbox: Any, store: Any, sms: Any) -> Any:
    """Send a message that the provider calls `message_id`."""

    def act(message_id: str | None = "m1", **values: Any) -> Any:
        sms.answer = lambda _message: sms.taken(message_id)
        [id_] = store.queue(**values)
        outbox.process(SMS, 1)
        return id_

    return act


def test_message_is_found_by_the_providers_id(take: Any, sent: Any, store: Any) -> None:
    id_, other = sent(), sent("m2")
    assert take(report("m1")) == {"moved": 1}
    row, [entry] = store.one(id_), store.log(id_)
    assert (row.status, row.is_final, entry.status) == ("DELIVERED", True, "delivered")
    assert row.delivered_at
    assert store.one(other).status == "SENT"


def test_message_is_found_by_our_reference(take: Any, sent: Any, store: Any) -> None:
    id_ = sent(None, idempotency_key="key-1")
    assert take(report("late-id", "key-1", delivered=False)) == {"moved": 1}
    row, [entry] = store.one(id_), store.log(id_)
    assert (row.status, row.is_final, row.last_error) == ("FAILED", True, "EXPIRED")
    assert entry.provider_message_id == "late-id"
    assert (entry.status, entry.error_message) == ("failed_final", "EXPIRED")


def test_repeated_and_contradicting_receipts_change_nothing(
    take: Any, sent: Any, store: Any
) -> None:
    id_ = sent()
    take(report("m1"))
    first = store.one(id_).delivered_at
    assert take(report("m1"), report("m1", delivered=False), report("m1", delivered=None)) == {
        "unchanged": 3
    }
    assert (store.one(id_).status, store.one(id_).delivered_at) == ("DELIVERED", first)


def test_receipts_of_one_call_count_one_after_the_other(take: Any, sent: Any, store: Any) -> None:
    id_ = sent()
    assert take(report("m1"), report("m1", delivered=False)) == {"moved": 1, "unchanged": 1}
    assert store.one(id_).status == "DELIVERED"


def test_another_provider_moves_nothing(take: Any, sent: Any, store: Any) -> None:
    id_ = sent(idempotency_key="key-1")
    assert take(report("m1", "key-1"), provider="other") == {"foreign": 1}
    assert store.one(id_).status == "SENT"


def test_receipt_ends_a_doubt_and_keeps_why_there_was_one(
    take: Any, sent: Any, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda _message: sms.refused(Outcome.UNKNOWN)
    [id_] = store.queue(idempotency_key="key-1")
    outbox.process(SMS, 1)
    assert take(report(None, "key-1")) == {"moved": 1}
    assert store.one(id_).status == "DELIVERED"
    assert store.log(id_)[0].response_payload == {"receipt": None, "was_in_doubt": "refused"}


def test_receipt_of_an_earlier_attempt_changes_nothing(
    take: Any, sent: Any, store: Any, outbox: Any, sms: Any, api: Any
) -> None:
    id_ = sent("first", idempotency_key="key-1")
    take(report("first", delivered=False))
    assert api.post(f"outbox/{id_}/requeue/").status_code == 200
    sms.answer = lambda _message: sms.taken("second")
    outbox.process(SMS, 1)
    assert take(report("first", "key-1", delivered=False)) == {"unchanged": 1}
    assert store.one(id_).status == "SENT"
    assert take(report("second", "key-1")) == {"moved": 1}


def test_receipt_that_comes_before_its_message_is_ended_must_come_again(
    take: Any, store: Any, outbox: Any, sms: Any
) -> None:
    effects = []
    sms.before_answering = lambda: effects.append(take(report("m1"), report(None, "key-1")))
    sms.answer = lambda _message: sms.taken("m1")
    [id_] = store.queue(idempotency_key="key-1")
    outbox.process(SMS, 1)
    assert effects == [{"early": 2}]
    assert take(report("m1")) == {"moved": 1}
    assert store.one(id_).status == "DELIVERED"


def test_report_about_nothing_of_ours_is_passed_over(take: Any, sent: Any) -> None:
    sent()
    assert take(report("not-ours", "nor-this")) == {"foreign": 1}


def test_critical_message_that_did_not_arrive_escalates(
    take: Any, sent: Any, store: Any, parts: Any
) -> None:
    id_ = sent(priority="CRITICAL")
    take(report("m1", delivered=False))
    assert store.log(id_)[0].response_payload == {"receipt": "EXPIRED", "escalation_required": True}
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 1


@pytest.fixture
def provider(parts: Any) -> Any:
    """The provider `generic`, posting its reports with this secret."""
    way = SmsSettings(name="generic", url="http://127.0.0.1:1/", receipt_secret="its secret")
    settings = replace(parts.settings, sms_providers=("generic",), sms=(way,))
    app = create_app(settings)

    def post(report: Any, secret: str | None = "its secret", to: str = "generic") -> Any:
        headers = {} if secret is None else {"X-Receipt-Secret": secret}
        path = f"/api/notification/receipts/{to}/"
        return app.test_client().post(path, json=report, headers=headers)

    yield post
    app.extensions["notification"].database.engine.dispose()


def test_provider_posts_its_reports(provider: Any, store: Any) -> None:
    [id_] = store.queue(
        status=MessageStatus.SENT, attempt_count=1, provider="generic", idempotency_key="key-1"
    )
    with store.database.writing() as session:
        session.add(
            DeliveryLog(
                outbox_id=id_,
                attempt_no=1,
                status=AttemptStatus.SENT,
                provider="generic",
                provider_message_id="m1",
            )
        )
    answer = provider([{"messageId": "m1", "status": "DELIVERED"}, {"messageId": "?"}])
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "moved": 1, "unchanged": 0, "foreign": 1}
    assert store.one(id_).status == "DELIVERED"


@pytest.mark.parametrize("secret", [None, "", "another"])
def test_reports_without_the_secret_are_refused(provider: Any, secret: str | None) -> None:
    assert provider({"messageId": "m1", "status": "DELIVERED"}, secret).status_code == 401


@pytest.mark.parametrize("to", ["beem", "nobody"])
def test_provider_that_is_not_set_up_is_not_found(provider: Any, to: str) -> None:
    assert provider({"messageId": "m1", "status": "DELIVERED"}, to=to).status_code == 404


def test_early_report_is_asked_for_again(provider: Any, store: Any) -> None:
    store.queue(status=MessageStatus.SENDING)
    answer = provider({"messageId": "m1", "status": "DELIVERED"})
    assert answer.status_code == 503
    assert "again" in answer.json["detail"]
