"""Forgetting: persons and words go, that something was sent stays."""

from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id_at
from notification.models import ChannelCode, InAppMessage, MessageStatus, SeenEvent
from notification.retention import keep_bounded
from sqlalchemy import func, select


def _aged(store: Any, days: int, **values: Any) -> Any:
    moment = utc_now() - timedelta(days=days)
    [id_] = store.queue(id=new_id_at(moment), created_at=moment, **values)
    return id_


SENT = {"status": MessageStatus.SENT}
PERSONAL = {
    "recipient_user_id": "person-7",
    "to_phone": "+255712345678",
    "to_email": "asha@example.test",
    "subject": "personal",
    "body": "personal",
    "payload": {"name": "personal"},
    "entity_id": "person-7",
    "idempotency_key": "key:person-7",
}


def test_old_message_keeps_nothing_of_its_person_and_stays_countable(
    container: Any, store: Any
) -> None:
    id_ = _aged(store, 91, **SENT, **PERSONAL)
    assert keep_bounded(container.database, container.settings)["messages"] == 1
    row = store.one(id_)
    kept = [str(getattr(row, column.key)) for column in row.__table__.columns]
    assert not [text for text in kept if "person" in text or "255712" in text or "@" in text]
    assert (row.status, row.channel, row.event_code) == ("SENT", "SMS", "PAYMENT_CONFIRMED")
    assert keep_bounded(container.database, container.settings)["messages"] == 0


@pytest.mark.parametrize(
    ("days", "values"),
    [
        (89, SENT),
        (91, {"status": MessageStatus.QUEUED}),
        (91, {"status": MessageStatus.SENDING}),
        (91, {"status": MessageStatus.FAILED}),
        (91, {"status": MessageStatus.UNKNOWN}),
    ],
)
def test_young_messages_and_those_under_way_keep_their_words(
    container: Any, store: Any, days: int, values: Any
) -> None:
    id_ = _aged(store, days, **values)
    keep_bounded(container.database, container.settings)
    assert store.one(id_).body == "Your payment arrived."


@pytest.mark.parametrize("status", ["FAILED", "UNKNOWN", "CANCELLED", "DELIVERED"])
def test_whatever_ended_is_forgotten(container: Any, store: Any, status: str) -> None:
    id_ = _aged(store, 91, status=MessageStatus(status), is_final=True)
    keep_bounded(container.database, container.settings)
    assert store.one(id_).body is None


def test_more_than_one_batch_is_forgotten(container: Any, store: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("common.db.purging.BATCH", 2)
    for _ in range(5):
        _aged(store, 91, **SENT)
    assert keep_bounded(container.database, container.settings)["messages"] == 5


def test_old_inbox_messages_and_consumed_events_go(container: Any, store: Any, outbox: Any) -> None:
    store.queue(2, channel=ChannelCode.IN_APP)
    outbox.process([ChannelCode.IN_APP], 2)
    with container.database.writing() as session:
        old = session.scalars(select(InAppMessage)).first()
        old.id = new_id_at(utc_now() - timedelta(days=91))
        for name, days in (("old", 31), ("young", 29)):
            session.add(SeenEvent(event_id=name, consumed_at=utc_now() - timedelta(days=days)))
    removed = keep_bounded(container.database, container.settings)
    assert (removed["inbox"], removed["events"]) == (1, 1)
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(InAppMessage)) == 1
        assert session.scalars(select(SeenEvent.event_id)).all() == ["young"]
