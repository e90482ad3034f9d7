"""What SMS cost is counted as they are taken; an event's budget of the month holds them back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.settings import SettingError
from flask import Flask
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import ChannelCode, Event, MessageStatus, OutboxMessage, SmsCost
from notification.outbox.costs import HELD_BACK, Taken, count_taken, month_of, next_look
from notification.outbox.receiving import receive_receipts
from notification.transports import Outcome, Part, Result
from notification.transports.receipts import Receipt
from notification.transports.sms.settings import SmsSettings
from notification.transports.sms.transport import SmsTransport
from sqlalchemy import select, update

SMS = [ChannelCode.SMS]
TWO = "+255712345678,+255754000111"
EVENT = "PAYMENT_CONFIRMED"


def taken(segment_price: int = 185_000, **more: Any) -> Result:
    given = {"outcome": Outcome.SENT, "provider": "beem", "segment_price": segment_price}
    return Result(**{**given, **more})


def counted(container: Container) -> list[tuple[str, str, int, int, int]]:
    with container.database.reading() as session:
        rows = session.scalars(select(SmsCost).order_by(SmsCost.event_code, SmsCost.provider))
        return [(r.event_code, r.provider, r.messages, r.segments, r.cost) for r in rows]


def budget(container: Container, units: int | None) -> None:
    with container.database.writing() as session:
        session.execute(update(Event).where(Event.code == EVENT).values(sms_budget=units))


def test_a_message_costs_its_segments_times_its_numbers(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda _message: taken()
    store.queue(2, sms_segments=2)
    store.queue(1, sms_segments=3, to_phone=TWO)
    store.queue(1, sms_segments=1, event_code="CPD_NON_COMPLIANT")

    outbox.process(SMS, 10)

    assert counted(container) == [
        ("CPD_NON_COMPLIANT", "beem", 1, 1, 185_000),
        (EVENT, "beem", 3, 10, 1_850_000),
    ]


@pytest.mark.parametrize(
    ("result", "segments"),
    [
        (taken(outcome=Outcome.REFUSED_FOR_GOOD), None),
        (taken(outcome=Outcome.REFUSED_FOR_NOW), None),
        (taken(outcome=Outcome.TRANSPORT_CLOSED), None),
        (taken(outcome=Outcome.UNKNOWN), None),
        (taken(outcome=Outcome.DELIVERED), 2),
        (
            taken(
                outcome=Outcome.REFUSED_FOR_GOOD,
                taken_in_part=True,
                parts=(Part(0, "a"), Part(1, "b", is_refused=True)),
            ),
            1,
        ),
    ],
)
def test_only_what_a_provider_took_costs_something(
    container: Container, store: Any, outbox: Any, sms: Any, result: Result, segments: int | None
) -> None:
    sms.answer = lambda _message: result
    store.queue(to_phone=TWO, sms_segments=1)

    outbox.process(SMS, 10)

    expected = [] if segments is None else [(EVENT, "beem", 1, segments, segments * 185_000)]
    assert counted(container) == expected


def test_in_app_messages_cost_nothing(container: Container, store: Any, outbox: Any) -> None:
    store.queue(channel=ChannelCode.IN_APP)
    outbox.process([ChannelCode.IN_APP], 10)
    assert counted(container) == []


def test_a_receipt_of_a_message_that_nobody_knew_of_counts_it_once(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda _message: taken(outcome=Outcome.UNKNOWN)
    [id_] = store.queue(sms_segments=2)
    outbox.process(SMS, 10)
    receipt = Receipt(
        provider_message_id=None, reference=store.one(id_).idempotency_key, delivered=True
    )
    for _ in range(2):
        with container.database.writing() as session:
            receive_receipts(session, "beem", [receipt, receipt], 10_000)
    assert store.one(id_).status == MessageStatus.DELIVERED
    assert counted(container) == [(EVENT, "beem", 1, 2, 20_000)]


class Priced:
    """A provider that takes or refuses everything, at a price."""

    def __init__(self, name: str, outcome: Outcome, segment_price: int) -> None:
        self.name, self.outcome, self.segment_price = name, outcome, segment_price

    def send(self, messages: Any) -> list[Result]:
        return [Result(outcome=self.outcome, provider=self.name, error="no") for _ in messages]

    def ask(self, message: Any) -> Result | None:
        return Result(outcome=self.outcome, provider=self.name)

    def close(self) -> None:
        pass


def test_the_price_is_that_of_the_provider_that_took_it() -> None:
    dear = Priced("dear", Outcome.REFUSED_FOR_NOW, 300)
    chain = SmsTransport([dear, Priced("cheap", Outcome.SENT, 100)], 10)
    message: Any = object()
    assert [one.segment_price for one in chain.send([message])] == [100]
    found = chain.ask(message, "cheap")
    assert found is not None
    assert found.segment_price == 100


@pytest.mark.parametrize(
    ("text", "price"), [("18.5", 185_000), ("0", 0), ("0.0075", 75), ("20", 200_000)]
)
def test_a_price_has_up_to_four_decimals(text: str, price: int) -> None:
    environ = {"NOTIFICATION_SMS_BEEM_SEGMENT_PRICE": text}
    assert SmsSettings.read("beem", environ, is_first=False).segment_price == price


@pytest.mark.parametrize("text", ["-1", "1,5", "0.00001", "TZS 20", "1e3"])
def test_a_price_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(SettingError, match="NOTIFICATION_SMS_SEGMENT_PRICE"):
        SmsSettings.read("beem", {"NOTIFICATION_SMS_SEGMENT_PRICE": text}, is_first=True)


# Budgets


def test_a_spent_budget_holds_sms_back_but_no_critical_one(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda _message: taken(10_000)  # a unit for each segment
    budget(container, 3)
    first = store.queue(3, sms_segments=1)
    outbox.process(SMS, 10)
    [held] = store.queue()
    [critical] = store.queue(priority="CRITICAL")
    [other] = store.queue(event_code="CPD_NON_COMPLIANT")

    outbox.process(SMS, 10)

    assert {store.one(one).status for one in [*first, critical, other]} == {MessageStatus.SENT}
    row = store.one(held)
    assert (row.status, row.attempt_count, row.last_error) == (MessageStatus.QUEUED, 0, HELD_BACK)
    assert row.next_attempt_at > utc_now()
    assert store.log(held) == []


def test_what_cost_something_last_month_is_not_of_this_budget(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    budget(container, 1)
    earlier = utc_now().replace(day=1) - timedelta(days=1)
    with container.database.writing() as session:
        count_taken(session, [Taken(EVENT, "beem", 9, 10_000)], earlier)
    [id_] = store.queue()
    outbox.process(SMS, 10)
    assert store.one(id_).status == MessageStatus.SENT


def test_another_budget_lets_held_messages_go(
    container: Container, store: Any, outbox: Any, api: Any
) -> None:
    budget(container, 0)
    [id_] = store.queue()
    outbox.process(SMS, 10)
    assert store.one(id_).last_error == HELD_BACK

    answer = api.patch(f"events/{EVENT}/", {"sms_budget": None})

    assert answer.get_json()["data"]["sms_budget"] is None
    outbox.process(SMS, 10)
    row = store.one(id_)
    assert (row.status, row.last_error) == (MessageStatus.SENT, None)


def test_a_held_message_is_looked_at_within_the_hour_and_when_the_month_begins() -> None:
    middle = datetime(2026, 11, 15, 8, tzinfo=UTC)
    assert next_look(middle) == middle + timedelta(hours=1)
    assert next_look(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
    assert month_of(middle) == "2026-11"


# The report


@pytest.fixture
def spent(container: Container) -> None:
    """Two months' SMS of two events over two providers, and a budget."""
    for moment, event, provider, segments in [
        (datetime(2026, 1, 31, tzinfo=UTC), EVENT, "beem", 4),
        (utc_now(), EVENT, "beem", 2),
        (utc_now(), EVENT, "nextsms", 1),
        (utc_now(), "CPD_NON_COMPLIANT", "beem", 5),
    ]:
        with container.database.writing() as session:
            count_taken(session, [Taken(event, provider, segments, 185_000)], moment)
    budget(container, 50)


@pytest.mark.usefixtures("spent")
def test_costs_are_reported_by_month_event_and_provider(api: Any) -> None:
    answer = api.get("costs/").get_json()
    assert (answer["currency"], answer["count"]) == ("TZS", 4)
    assert answer["data"][-1] == {
        "month": "2026-01",
        "event_code": EVENT,
        "provider": "beem",
        "messages": 1,
        "segments": 4,
        "cost": 74.0,
    }
    assert answer["budgets"] == [
        {"event_code": EVENT, "sms_budget": 50, "spent": 55.5, "is_spent": True}
    ]
    assert api.get("costs/", until="2026-01").get_json()["count"] == 1
    assert api.get("costs/", since="2026-02", event_code=EVENT).get_json()["count"] == 2
    assert api.get("costs/", provider="nextsms").get_json()["count"] == 1
    assert list(api.get("costs/", since="2026-13").get_json()["errors"]) == ["since"]


@pytest.mark.usefixtures("spent")
def test_the_console_shows_costs_their_sum_and_the_budgets(
    console: Callable[[str], FlaskClient],
) -> None:
    viewer = console("viewer")
    page = viewer.get("/admin/notification/costs/").text
    assert "222.00 TZS" in page
    assert "55.50 TZS of 50.00 TZS" in page
    assert "spent: its SMS wait" in page
    sheet = viewer.get("/admin/notification/costs/?provider=nextsms&format=csv").text
    assert sheet.splitlines()[1].endswith('"PAYMENT_CONFIRMED","nextsms","1","1","18.5"')
    assert viewer.get("/admin/notification/costs/?since=May").status_code == 422


def test_an_admin_sets_a_budget_in_the_console(
    console: Callable[[str], FlaskClient], csrf: dict[str, str], container: Container
) -> None:
    form = {**csrf, "module": "PAYMENT", "when_unknown": "hold", "is_active": "true"}
    page = f"/admin/notification/events/{EVENT}/"
    for typed, status, stored in (("500", 303, 500), ("many", 422, 500), ("", 303, None)):
        answer = console("admin").post(page, data={**form, "sms_budget": typed})
        assert answer.status_code == status
        with container.database.reading() as session:
            event = session.scalars(select(Event).where(Event.code == EVENT)).one()
        assert event.sms_budget == stored


def test_costs_outlive_the_messages(container: Container, store: Any, outbox: Any) -> None:
    store.queue()
    outbox.process(SMS, 10)
    before = counted(container)
    with container.database.writing() as session:
        session.execute(OutboxMessage.__table__.delete())
    assert before == counted(container) != []


def test_a_preview_says_what_an_sms_costs_over_each_provider(
    app: Flask,
    container: Container,
    api: Any,
    console: Callable[[str], FlaskClient],
    csrf: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [("beem", 185_000), ("nextsms", 200_000), ("mgov", 0)]
    sms = tuple(SmsSettings(name=name, segment_price=price) for name, price in given)
    settings = replace(container.settings, sms=sms)
    monkeypatch.setitem(app.extensions, "notification", replace(container, settings=settings))
    body = "\u201cHabari\u201d " + "a" * 80

    costs = api.post("templates/preview/", {"body": body}).get_json()["data"]["costs"]

    assert costs == [
        {"provider": "beem", "cost": 37.0, "cost_if_plain": 18.5},
        {"provider": "nextsms", "cost": 40.0, "cost_if_plain": 20.0},
    ]
    form = {**csrf, "event_code": EVENT, "channel": "SMS", "language": "en", "body": body}
    page = console("admin").post("/admin/notification/templates/preview/", data=form).text
    assert "37.00 with beem (18.50); 40.00 with nextsms (20.00)" in page
    assert api.post("templates/preview/", {"body": body, "channel": "EMAIL"}).json["costs"] == []
