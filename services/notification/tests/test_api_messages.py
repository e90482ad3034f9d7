"""The outbox, its numbers, and why a person did or did not get a message, over the API."""

import uuid
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from common.clock import rfc3339, utc_now
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    Event,
    MessageStatus,
    OutboxMessage,
)
from sqlalchemy import update

SMS, EMAIL, IN_APP = ChannelCode.SMS, ChannelCode.EMAIL, ChannelCode.IN_APP


@pytest.fixture
def emitted(client: Any) -> dict[str, Any]:
    """A rule over all channels with templates, and Anna who was told."""
    rule = client.rule(SMS, EMAIL, IN_APP)
    for channel in ChannelCode:
        client.template(channel, "Hello {name}")
    client.emit("anna", context={"name": "Anna"})
    return {"rule": str(rule), **{one.channel.value: one for one in client.queued()}}


def change(client: Any, message: OutboxMessage, **values: Any) -> None:
    with client.container.database.writing() as session:
        session.execute(
            update(OutboxMessage).where(OutboxMessage.id == message.id).values(**values)
        )


def channels(answer: Any) -> list[str]:
    return sorted(one["channel"] for one in answer.get_json()["data"])


def test_message_is_read_with_all_that_is_on_record(api: Any, emitted: dict[str, Any]) -> None:
    message = api.get(f"outbox/{emitted['SMS'].id}/").get_json()["data"]

    assert message["status"] == "QUEUED"
    assert (message["body"], message["sms_encoding"], message["sms_segments"]) == (
        *("Hello Anna", "GSM-7", 1),
    )
    assert message["rule_id"] == emitted["rule"]
    listed = {one["id"]: one for one in api.get("outbox/").get_json()["data"]}
    assert [message.pop(name) for name in ("numbers", "cascade", "digest_of")] == [[]] * 3
    assert message.pop("digest_id") is None
    assert listed[message["id"]] == message


def test_outbox_is_listed_by_status_and_channel(
    api: Any, client: Any, emitted: dict[str, Any]
) -> None:
    change(client, emitted["SMS"], status=MessageStatus.SENT)

    assert channels(api.get("outbox/", status="SENT")) == ["SMS"]
    assert channels(api.get("outbox/", status="QUEUED")) == ["EMAIL", "IN_APP"]
    assert channels(api.get("outbox/", channel="EMAIL", status="QUEUED")) == ["EMAIL"]
    assert channels(api.get("outbox/", channel="EMAIL", status="SENT")) == []


@pytest.mark.parametrize(
    ("values", "is_due"),
    [
        ({}, True),
        ({"status": MessageStatus.FAILED}, True),
        ({"status": MessageStatus.FAILED, "is_final": True}, False),
        ({"status": MessageStatus.SENDING}, False),
        ({"status": MessageStatus.SENT}, False),
        ({"attempt_count": 5}, False),
        ({"attempt_count": 4}, True),
        ({"later": True}, False),
    ],
)
def test_due_is_what_a_worker_may_send_now(
    api: Any, client: Any, emitted: dict[str, Any], values: dict[str, Any], is_due: bool
) -> None:
    if values.pop("later", False):
        values["next_attempt_at"] = utc_now() + timedelta(hours=1)
    for channel in ("EMAIL", "IN_APP"):
        change(client, emitted[channel], status=MessageStatus.DELIVERED)
    if values:
        change(client, emitted["SMS"], **values)

    assert channels(api.get("outbox/", due="true")) == ["SMS"] * is_due
    assert ("SMS" in channels(api.get("outbox/", due="false"))) is not is_due


def test_metrics_count_messages_and_segments(
    api: Any, client: Any, emitted: dict[str, Any]
) -> None:
    client.emit("ben", context={"name": "x" * 200})
    change(client, emitted["SMS"], status=MessageStatus.SENT)

    counts = api.get("metrics/").get_json()["data"]

    assert [(one["channel"], one["status"], one["count"]) for one in counts] == [
        *[("EMAIL", "QUEUED", 2), ("IN_APP", "QUEUED", 2)],
        *[("SMS", "QUEUED", 1), ("SMS", "SENT", 1)],
    ]
    assert [one["sms_segments"] for one in counts] == [0, 0, 2, 1]
    assert {one["event_code"] for one in counts} == {"LICENCE_ISSUED"}
    later = rfc3339(utc_now() + timedelta(hours=1))
    assert api.get("metrics/", since=later).get_json()["data"] == []


# Why


def explain(api: Any, **query: Any) -> dict[str, Any]:
    query = query or {"event_code": "LICENCE_ISSUED", "user_id": "anna"}
    answer = api.get("explain/", **query)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def stops(answer: dict[str, Any]) -> dict[str, Any]:
    """Where each way ends, by its channel."""
    return {one["channel"]: (one["stopped_at"], one["reason"]) for one in answer["decisions"]}


def test_open_ways_name_their_template_and_its_placeholders(
    api: Any, emitted: dict[str, Any]
) -> None:
    answer = explain(api)

    assert stops(answer) == dict.fromkeys(("SMS", "EMAIL", "IN_APP"), (None, None))
    assert {one["rule_id"] for one in answer["decisions"]} == {emitted["rule"]}
    assert [one["placeholders"] for one in answer["decisions"]] == [["name"]] * 3
    assert {one["template"]["version"] for one in answer["decisions"]} == {1}
    assert [one["is_default"] for one in answer["preferences"]] == [True]
    assert len(answer["messages"]) == 3


def test_blocked_and_wordless_channels_say_so(api: Any, client: Any) -> None:
    client.rule(SMS, EMAIL, IN_APP)
    client.template(SMS)
    client.template(IN_APP)
    client.prefers("anna", allow_sms=False)

    answer = explain(api)

    assert stops(answer) == {
        "SMS": ("preference", "Blocked by user preference"),
        "EMAIL": ("template", "No active template found for event/channel/language"),
        "IN_APP": (None, None),
    }
    assert answer["messages"] == []


def test_quiet_hours_show_in_when_a_message_may_go(api: Any, client: Any) -> None:
    client.rule(SMS)
    client.template(SMS)
    client.prefers("anna", quiet_from=time(0, 0), quiet_until=time(23, 59))

    (decision,) = explain(api)["decisions"]

    assert datetime.fromisoformat(decision["not_before"]).time() == time(23, 59)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"is_active": False}, "The rule is not active"),
        ({"recipient_policy": "STAFF"}, "No recipients matched recipient_policy"),
    ],
)
def test_rule_that_is_not_for_the_person_says_so(
    api: Any, client: Any, rule: dict[str, Any], reason: str
) -> None:
    client.rule(SMS, **rule)
    client.prefers("anna")

    assert stops(explain(api)) == {None: ("rule", reason)}


def test_rule_without_channels_says_so(api: Any, client: Any) -> None:
    client.rule()

    assert set(stops(explain(api)).values()) == {("rule", "No channels configured for active rule")}


def test_inactive_event_says_so(api: Any, client: Any) -> None:
    client.rule(SMS)
    with client.container.database.writing() as session:
        session.execute(update(Event).values(is_active=False))

    answer = explain(api)

    assert not answer["is_event_active"]
    assert set(stops(answer).values()) == {("event", "Unknown or inactive event_code")}


def test_person_of_whom_nothing_is_known_may_be_of_any_actor_type(api: Any, client: Any) -> None:
    client.rule(SMS, recipient_policy="STAFF")
    client.template(SMS)

    decisions = explain(api, event_code="LICENCE_ISSUED", user_id="stranger")["decisions"]

    assert [(one["actor_type"], one["stopped_at"]) for one in decisions] == [
        *[("FAMILY", "rule"), ("STAFF", None), ("SYSTEM", "rule"), ("TEACHER", "rule")]
    ]


def test_message_is_explained_with_its_attempts(
    api: Any, client: Any, emitted: dict[str, Any]
) -> None:
    message = emitted["SMS"]
    change(client, message, status=MessageStatus.FAILED, is_final=True, last_error="No to_phone")
    with client.container.database.writing() as session:
        for number in (2, 1):
            session.add(
                DeliveryLog(
                    outbox_id=message.id,
                    attempt_no=number,
                    status=AttemptStatus.FAILED_FINAL,
                    error_message="No to_phone",
                )
            )
    client.prefers("anna", allow_sms=False)

    answer = explain(api, outbox_id=str(message.id))

    (one,) = answer["messages"]
    assert one["message"]["last_error"] == "No to_phone"
    assert [entry["attempt_no"] for entry in one["attempts"]] == [1, 2]
    assert stops(answer)["SMS"] == ("preference", "Blocked by user preference")
    assert (answer["user_id"], answer["rules"][0]["id"]) == ("anna", emitted["rule"])


def test_explanation_of_nothing_is_404_and_of_two_things_422(api: Any) -> None:
    assert api.get("explain/", outbox_id=str(uuid.uuid4())).status_code == 404
    answer = api.get("explain/", outbox_id=str(uuid.uuid4()), user_id="anna")
    assert list(answer.get_json()["errors"]) == ["outbox_id"]
