"""From an event to a person through nginx: each step of the flow, each reason in `skipped`."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hub import Hub


@dataclass
class Office:
    """Somebody with a token who keeps one event of their own."""

    hub: Hub
    event: str

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = self.hub.session.request(
            method,
            f"{self.hub.url}/api/notification/{path}",
            headers={"Authorization": f"Bearer {self.hub.token}"},
            timeout=60,
            **options,
        )
        assert answer.status_code == status, answer.text[:1_000]
        return answer.json()

    def rule(self, *channels: str, **changes: Any) -> str:
        usual = {"event_code": self.event, "recipient_policy": "ALL"}
        given = {**usual, "channels": list(channels), **changes}
        made: str = self.call("POST", "rules/", 201, json=given)["id"]
        return made

    def template(self, channel: str, body: str, language: str = "en", status: int = 201) -> Any:
        given = {"event_code": self.event, "channel": channel, "language": language, "body": body}
        return self.call("POST", "templates/", status, json=given)

    def prefers(self, user_id: str, **preferences: Any) -> None:
        self.call("POST", f"preferences/TEACHER/{user_id}/", 201, json=preferences)

    def emit(self, *recipients: Any, status: int = 201, **changes: Any) -> Any:
        people = [
            {"user_id": one, "actor_type": "TEACHER"} if isinstance(one, str) else one
            for one in recipients
        ]
        given = {"event_code": self.event, "recipients": people, **changes}
        return self.call("POST", "emit/", status, json=given)

    def message(self, emitted: Any) -> Any:
        return self.call("GET", f"outbox/{emitted['queued_outbox_ids'][0]}/", 200)

    def inbox(self, user_id: str) -> list[str]:
        return [one["body"] for one in self.call("GET", f"inbox/{user_id}/", 200)["data"]]


@pytest.fixture
def office(hub: Hub) -> Office:
    event = f"EVENT_{uuid.uuid4().hex[:10].upper()}"
    office = Office(hub, event)
    office.call("POST", "events/", 201, json={"code": event, "module": "LICENCE"})
    return office


@pytest.fixture
def person() -> str:
    return f"person-{uuid.uuid4().hex[:10]}"


def reasons(emitted: Any) -> list[str]:
    return [one["reason"] for one in emitted["skipped"]]


def test_event_reaches_the_person_in_their_language(office, person, eventually):
    office.rule("IN_APP", recipient_policy="TEACHER")
    office.template("IN_APP", "Dear {name}, {order.total} TZS")
    office.template("IN_APP", "Ndugu {name}, {order.total} TZS", "sw")
    office.prefers(person, preferred_lang="sw")
    context = {"name": "Asha", "order": {"total": 30_000}}

    emitted = office.emit(person, context=context, idempotency_key=person)
    again = office.emit(person, context=context, idempotency_key=person)

    assert (emitted["disposition"], emitted["queued_count"]) == ("queued", 1)
    assert eventually(lambda: office.inbox(person)) == ["Ndugu Asha, 30000 TZS"]
    assert eventually(lambda: office.message(emitted)["status"] == "DELIVERED")
    assert reasons(again) == ["Duplicate idempotency key (already queued)"]
    assert again["skipped"][0]["outbox_id"] == emitted["queued_outbox_ids"][0]
    assert office.inbox(person) == ["Ndugu Asha, 30000 TZS"]
    (delivered,) = office.call(
        "GET", "explain/", 200, params={"event_code": office.event, "user_id": person}
    )["messages"]
    assert [one["status"] for one in delivered["attempts"]] == ["delivered"]


def test_event_that_nobody_knows_or_wants_makes_nothing(office, person):
    assert office.emit(person, status=200)["reason"] == "no_active_rule"
    office.rule("IN_APP")
    assert office.emit(status=200)["reason"] == "no_recipients"
    office.call("PATCH", f"events/{office.event}/", 200, json={"is_active": False})
    assert office.emit(person, status=404)["error"] == "Unknown or inactive event_code"


def test_each_message_that_is_not_made_has_its_reason(office, person):
    office.rule("IN_APP", recipient_policy="STAFF")
    office.rule(recipient_policy="TEACHER")
    office.rule("SMS", "EMAIL", "IN_APP")
    office.template("SMS", "Hello")
    office.template("EMAIL", "Hello {name.__class__}")
    office.prefers(person, allow_sms=False)

    emitted = office.emit(
        person, {"user_id": "x", "actor_type": "MARTIAN"}, context={"name": "Asha"}
    )

    assert (emitted["disposition"], emitted["reason"]) == ("suppressed", "no_messages_built")
    assert sorted(reasons(emitted)) == [
        "Blocked by user preference",
        "Missing placeholder: name.__class__",
        "No active template found for event/channel/language",
        "No channels configured for active rule",
        "No recipients matched recipient_policy",
        "Unknown actor_type code: MARTIAN",
    ]


def test_message_waits_for_its_time_and_for_the_end_of_quiet_hours(office, person):
    office.rule("SMS")
    office.template("SMS", "Hello")
    office.prefers(person, quiet_from="21:00", quiet_until="06:30", time_zone="Etc/GMT-3")
    night = datetime.combine(datetime.now(UTC) + timedelta(days=2), time(20), UTC)

    message = office.message(office.emit(person, send_at=night.isoformat()))

    assert datetime.fromisoformat(message["next_attempt_at"]) == night + timedelta(hours=7.5)
    assert (message["status"], message["attempt_count"]) == ("QUEUED", 0)


@pytest.mark.parametrize("body", ["{a!r:>999999}", "x" * 1_000_000])
def test_template_that_could_do_harm_is_refused(office, body):
    assert list(office.template("SMS", body, status=422)["errors"]) == ["body"]


def test_line_break_in_an_address_is_refused_and_in_a_value_harmless(office, person):
    office.rule("EMAIL")
    office.call(
        "POST",
        "templates/",
        201,
        json={
            "event_code": office.event,
            "channel": "EMAIL",
            "language": "en",
            "subject": "For {name}",
            "body": "Hello",
        },
    )
    to = {"user_id": person, "actor_type": "TEACHER", "to_email": "a@example.org\r\nBcc: b@c.d"}

    refused = office.emit(to, context={"name": "Asha"}, status=422)
    assert list(refused["errors"]["recipients"]["0"]) == ["to_email"]

    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    emitted = office.emit(person, context={"name": "Asha\r\nBcc: eve@x.org"}, send_at=later)
    assert office.message(emitted)["subject"] == "For Asha Bcc: eve@x.org"


def test_ten_thousand_are_told_in_one_call_and_more_in_none(office, person):
    office.rule("IN_APP")
    office.template("IN_APP", "Hello")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    people = [f"{person}-{number}" for number in range(10_001)]

    assert office.emit(*people[:10_000], send_at=later)["queued_count"] == 10_000
    refused = office.emit(*people, send_at=later, status=422)
    assert refused["errors"] == {"recipients": ["Longer than maximum length 10000."]}
    counts = office.call("GET", "metrics/", 200)["data"]
    assert [one["count"] for one in counts if one["event_code"] == office.event] == [10_000]
