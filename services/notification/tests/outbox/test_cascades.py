"""Cascades: the next channel when no receipt came in time, never two at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.container import Container
from notification.models import (
    AttemptStatus,
    CascadeStep,
    ChannelCode,
    DeliveryLog,
    MessageStatus,
    OutboxMessage,
)
from notification.outbox.cascades import Verdict, advance, decide
from notification.outbox.engine import Outbox
from notification.outbox.receiving import ReceiptIntake
from notification.transports import Outcome
from notification.transports.receipts import Receipt
from sqlalchemy import select

SMS, EMAIL, IN_APP = ChannelCode.SMS, ChannelCode.EMAIL, ChannelCode.IN_APP
WAIT_S = 600
PERSON = {
    "user_id": "u1",
    "actor_type": "TEACHER",
    "to_phone": "0712345678",
    "to_email": "asha@example.org",
}
WAITING, QUEUED, SENT = MessageStatus.WAITING, MessageStatus.QUEUED, MessageStatus.SENT
DELIVERED, FAILED, CANCELLED = (
    MessageStatus.DELIVERED,
    MessageStatus.FAILED,
    MessageStatus.CANCELLED,
)


@dataclass
class Line:
    """One person's cascade: SMS, e-mail, in-app."""

    container: Container
    client: Any
    outbox: Outbox
    sms: Any
    email: Any

    def emit(self, **changes: Any) -> None:
        self.client.emit(PERSON, **changes)

    def message(self, channel: ChannelCode) -> OutboxMessage:
        (found,) = [one for one in self.client.queued() if one.channel is channel]
        return found

    @property
    def statuses(self) -> list[MessageStatus]:
        return [self.message(channel).status for channel in (SMS, EMAIL, IN_APP)]

    def send(self) -> None:
        self.outbox.process([SMS, EMAIL, IN_APP], 100)

    def pass_time(self, seconds: float = WAIT_S + 1) -> None:
        """Everything was so much earlier."""
        back = timedelta(seconds=seconds)
        with self.container.database.writing() as session:
            for step in session.scalars(select(CascadeStep)):
                step.since = step.since and step.since - back
                step.look_at = step.look_at and step.look_at - back
            for row in session.scalars(select(OutboxMessage)):
                row.sent_at = row.sent_at and row.sent_at - back
                if row.status is QUEUED or row.status is FAILED:
                    row.next_attempt_at -= back

    def receipt(self, channel: ChannelCode, delivered: bool | None) -> None:
        reference = self.message(channel).idempotency_key
        report = Receipt(provider_message_id=None, reference=reference, delivered=delivered)
        ReceiptIntake(self.container.database, {}).take("test", [report])

    def log(self, channel: ChannelCode) -> list[tuple[AttemptStatus, str | None]]:
        entries = select(DeliveryLog).where(DeliveryLog.outbox_id == self.message(channel).id)
        with self.container.database.reading() as session:
            found = session.scalars(entries.order_by(DeliveryLog.attempt_no))
            return [(one.status, one.error_message) for one in found]


@pytest.fixture
def line(container: Container, client: Any, sms: Any) -> Line:
    email = type(sms)(EMAIL)
    transports = {SMS: sms, EMAIL: email}
    rule = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL"}
    channels = ["SMS", "EMAIL", "IN_APP"]
    made = client.api.post("rules/", {**rule, "channels": channels, "cascade_after_s": WAIT_S})
    assert made.get_json()["channels"] == channels
    for channel in (SMS, EMAIL, IN_APP):
        client.template(channel)
    return Line(container, client, Outbox(container.database, transports, 30.0), sms, email)


def test_the_next_channel_is_used_when_no_receipt_came_in_time(line: Line) -> None:
    line.emit()
    assert line.statuses == [QUEUED, WAITING, WAITING]
    line.send()
    line.send()
    assert (line.statuses, advance(line.container.database)) == ([SENT, WAITING, WAITING], 0)
    line.pass_time()
    assert advance(line.container.database) == 1
    assert line.statuses == [SENT, QUEUED, WAITING]
    line.send()
    assert line.statuses == [SENT, SENT, WAITING]
    assert len(line.email.sent) == 1
    line.pass_time()
    advance(line.container.database)
    line.send()
    assert line.statuses == [SENT, SENT, DELIVERED]
    assert line.log(EMAIL)[0] == (
        AttemptStatus.CASCADED,
        "Its turn has come: SMS brought no receipt in time",
    )
    line.pass_time()
    assert advance(line.container.database) == 0


def test_a_receipt_in_time_stops_the_rest(line: Line) -> None:
    line.emit()
    line.send()
    line.receipt(SMS, True)
    assert line.statuses == [DELIVERED, CANCELLED, CANCELLED]
    line.pass_time()
    assert advance(line.container.database) == 0
    assert line.message(EMAIL).last_error == "An earlier channel of its cascade reached the person"


def test_a_late_receipt_stops_what_has_not_left_yet(line: Line) -> None:
    line.emit()
    line.send()
    line.pass_time()
    advance(line.container.database)
    line.receipt(SMS, True)
    line.send()
    assert line.statuses == [DELIVERED, CANCELLED, CANCELLED]
    assert line.email.sent == []


def test_a_receipt_that_comes_while_the_next_one_leaves_stops_what_follows(line: Line) -> None:
    line.emit()
    line.send()
    line.pass_time()
    advance(line.container.database)
    line.email.before_answering = lambda: line.receipt(SMS, True)
    line.send()
    assert line.statuses == [DELIVERED, SENT, CANCELLED]


@pytest.mark.parametrize("how", ["refused", "reported", "opted out"])
def test_a_failure_brings_the_next_one_at_once(line: Line, how: str) -> None:
    line.emit()
    if how == "refused":
        line.sms.answer = lambda _message: line.sms.refused(Outcome.REFUSED_FOR_GOOD)
    if how == "opted out":
        line.client.prefers("u1", allow_sms=False)
    line.send()
    if how == "reported":
        line.receipt(SMS, False)
    assert advance(line.container.database) == 1
    ended = CANCELLED if how == "opted out" else FAILED
    assert line.statuses == [ended, QUEUED, WAITING]
    assert line.log(EMAIL)[0][1] == f"Its turn has come: SMS ended {ended}"


def test_what_could_not_leave_in_time_is_stopped_first(line: Line) -> None:
    line.emit()
    line.sms.answer = lambda _message: line.sms.refused(Outcome.REFUSED_FOR_NOW)
    line.send()
    assert line.statuses == [FAILED, WAITING, WAITING]
    line.pass_time()
    advance(line.container.database)
    assert line.statuses == [CANCELLED, QUEUED, WAITING]
    line.send()
    assert len(line.sms.sent) == 1


def test_an_outcome_that_is_not_known_is_held_when_the_next_one_comes(line: Line) -> None:
    line.emit()
    line.sms.answer = lambda _message: line.sms.refused(Outcome.UNKNOWN)
    line.send()
    line.pass_time()
    advance(line.container.database)
    assert line.statuses == [MessageStatus.UNKNOWN, QUEUED, WAITING]
    assert line.message(SMS).is_final


def test_quiet_hours_are_not_waited_through(line: Line) -> None:
    later = utc_now() + timedelta(hours=5)
    line.emit(send_at=later.isoformat())
    line.pass_time()
    advance(line.container.database)
    assert line.statuses == [QUEUED, WAITING, WAITING]


def test_who_stops_a_message_stops_what_follows(line: Line) -> None:
    line.emit()
    assert line.client.api.post(f"outbox/{line.message(SMS).id}/cancel/").status_code == 200
    assert line.statuses == [CANCELLED] * 3


def test_an_event_that_is_repeated_stays_one_cascade(line: Line) -> None:
    line.emit(idempotency_key="k")
    again = line.client.emit(PERSON, idempotency_key="k")
    assert len(again["skipped"]) == 3
    line.send()
    line.pass_time()
    assert advance(line.container.database) == 1


def test_a_channel_that_a_person_does_not_want_is_no_step(line: Line) -> None:
    line.client.prefers("u1", allow_sms=False)
    line.emit()
    assert [one.status for one in line.client.queued()] == [QUEUED, WAITING]


def test_several_workers_bring_a_turn_once(line: Line, in_threads: Callable[..., None]) -> None:
    people = [{**PERSON, "user_id": f"u{n}"} for n in range(30)]
    line.client.emit(*people)
    line.send()
    line.pass_time()
    come: list[int] = []
    in_threads(*[lambda: come.append(advance(line.container.database)) for _ in range(4)])
    advance(line.container.database)
    in_threads(*[lambda: line.send() for _ in range(3)])
    assert len(line.email.sent) == len(set(line.email.sent)) == 30
    assert sum(come) <= 30


def test_it_is_on_record_and_on_the_messages_page(line: Line, console: Any) -> None:
    line.emit()
    line.send()
    id_ = line.message(EMAIL).id
    shown = line.client.api.get(f"outbox/{id_}/").get_json()["cascade"]
    assert [(one["step"], one["channel"], one["status"]) for one in shown] == [
        (0, "SMS", "SENT"),
        (1, "EMAIL", "WAITING"),
        (2, "IN_APP", "WAITING"),
    ]
    page = console("viewer").get(f"/admin/notification/outbox/{id_}/").text
    assert "Cascade" in page
    assert str(line.message(SMS).id) in page


NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "verdict", "minutes"),
    [
        ({"status": DELIVERED}, Verdict.NEVER, None),
        ({"status": MessageStatus.PARTLY_DELIVERED}, Verdict.NEVER, None),
        ({"status": FAILED, "is_final": True}, Verdict.COMES, None),
        ({"status": CANCELLED, "is_final": True}, Verdict.COMES, None),
        ({"status": FAILED, "is_final": False}, Verdict.WAITS, 10),
        ({"status": QUEUED}, Verdict.WAITS, 10),
        ({"status": QUEUED, "next_attempt_at": NOON + timedelta(hours=1)}, Verdict.WAITS, 70),
        ({"status": SENT, "sent_at": NOON + timedelta(minutes=4)}, Verdict.WAITS, 14),
        ({"status": SENT, "sent_at": NOON - timedelta(minutes=6)}, Verdict.COMES, None),
        ({"status": MessageStatus.UNKNOWN}, Verdict.WAITS, 10),
    ],
    ids=[
        "arrived",
        "in-part",
        "failed",
        "stopped",
        "again",
        "queued",
        "quiet",
        "sent",
        "late",
        "unknown",
    ],
)
def test_decisions(values: dict[str, Any], verdict: Verdict, minutes: int | None) -> None:
    before = OutboxMessage(**{"next_attempt_at": NOON, "is_final": False, **values})
    decided = decide(before, NOON, timedelta(minutes=10), NOON + timedelta(minutes=5))
    assert decided.verdict is verdict
    assert decided.until == (minutes and NOON + timedelta(minutes=minutes))
