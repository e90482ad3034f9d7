"""Delivery receipts: forward only, never back, never another attempt's."""

from dataclasses import replace
from typing import Any

import pytest
from notification.app import create_app
from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxEvent
from notification.outbox.receiving import forward, receive_receipts
from notification.transports import Outcome, Part, Result
from notification.transports.receipts import Receipt
from notification.transports.sms.settings import SmsSettings
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
def take(container: Any) -> Any:
    def act(*receipts: Receipt, provider: str = "test") -> dict[str, int]:
        with container.database.writing() as session:
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
    take: Any, sent: Any, store: Any, container: Any
) -> None:
    id_ = sent(priority="CRITICAL")
    take(report("m1", delivered=False))
    assert store.log(id_)[0].response_payload == {"receipt": "EXPIRED", "escalation_required": True}
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 1


@pytest.fixture
def provider(container: Any) -> Any:
    """The provider `generic`, posting its reports with this secret."""
    transport = SmsSettings(name="generic", url="http://127.0.0.1:1/", receipt_secret="its secret")
    settings = replace(container.settings, sms_providers=("generic",), sms=(transport,))
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


# Messages to several numbers

TWO = {"to_phone": "+255712345678,+255754345678"}


@pytest.fixture
def sent_to_two(outbox: Any, store: Any, sms: Any) -> Any:
    """Send a message to two numbers; `ids` are what the provider calls them."""

    def act(*ids: str, refused: tuple[int, ...] = (), **values: Any) -> Any:
        parts = tuple(
            Part(place, one, place in refused, "REJECTED_DND" if place in refused else None)
            for place, one in enumerate(ids)
        )
        outcome = Outcome.REFUSED_FOR_GOOD if refused else Outcome.SENT
        sms.answer = lambda _message: Result(
            outcome=outcome,
            provider="test",
            provider_message_id=ids[0],
            parts=parts,
            taken_in_part=bool(refused),
        )
        [id_] = store.queue(**TWO, **values)
        outbox.process(SMS, 1)
        return id_

    return act


def fates(api: Any, id_: Any) -> list[tuple[str, str, str | None]]:
    numbers = api.get(f"outbox/{id_}/").json["numbers"]
    return [(one["to"], one["status"], one["reason"]) for one in numbers]


def test_partly_delivered_says_which(take: Any, sent_to_two: Any, store: Any, api: Any) -> None:
    id_ = sent_to_two("m1", "m2")
    assert take(report("m1")) == {"moved": 1}
    assert store.one(id_).status is S.SENT

    assert take(report("m2", delivered=False)) == {"moved": 1}

    row, [entry] = store.one(id_), store.log(id_)
    assert (row.status, row.is_final) == (S.PARTLY_DELIVERED, True)
    assert row.last_error == entry.error_message == "Not delivered to number 2 of 2: EXPIRED"
    assert entry.status is AttemptStatus.PARTLY_DELIVERED
    assert fates(api, id_) == [
        ("+255712345678", "delivered", None),
        ("+255754345678", "failed_final", "EXPIRED"),
    ]
    assert take(report("m1"), report("m2")) == {"unchanged": 2}


@pytest.mark.parametrize(("arrived", "status"), [(True, S.DELIVERED), (False, S.FAILED)])
def test_all_numbers_alike(
    take: Any, sent_to_two: Any, store: Any, arrived: bool, status: Any
) -> None:
    id_ = sent_to_two("m1", "m2")
    take(report("m2", delivered=arrived), report("m1", delivered=arrived))
    assert store.one(id_).status is status


def test_one_id_for_all_numbers_is_told_apart_by_the_number(
    take: Any, sent_to_two: Any, store: Any, api: Any
) -> None:
    id_ = sent_to_two("m1", "m1")
    take(replace(report("m1"), number="255754345678"))
    take(replace(report("m1", delivered=False), number="0712345678"))
    assert store.one(id_).status is S.PARTLY_DELIVERED
    assert [fate for _to, fate, _why in fates(api, id_)] == ["failed_final", "delivered"]


def test_a_report_that_names_no_number_is_about_all(
    take: Any, sent_to_two: Any, store: Any
) -> None:
    id_ = sent_to_two("m1", "m1", idempotency_key="key-1")
    take(report(reference="key-1"))
    assert store.one(id_).status is S.DELIVERED


def test_refused_for_one_number_and_delivered_to_the_other(
    take: Any, sent_to_two: Any, store: Any
) -> None:
    id_ = sent_to_two("m1", "m2", refused=(0,))
    assert store.one(id_).status is S.FAILED
    take(report("m2"))
    row = store.one(id_)
    assert row.status is S.PARTLY_DELIVERED
    assert row.last_error == "Not delivered to number 1 of 2: REJECTED_DND"


def test_an_urgent_message_that_arrived_in_part_is_escalated(
    take: Any, sent_to_two: Any, container: Any
) -> None:
    sent_to_two("m1", "m2", priority="CRITICAL")
    take(report("m1"), report("m2", delivered=False))
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 1


def test_unknown_words_are_kept_and_counted(take: Any, sent: Any, store: Any, api: Any) -> None:
    id_ = sent()
    odd = replace(report("m1", delivered=None), unknown_word="TELEPORTED")
    assert take(odd) == {"unchanged": 1}
    take(odd, odd)
    assert store.one(id_).status is S.SENT
    assert store.log(id_)[0].response_payload["receipt"] == "TELEPORTED"
    (word,) = api.get("metrics/").json["unknown_receipt_words"]
    assert (word["provider"], word["word"], word["count"]) == ("test", "TELEPORTED", 3)
