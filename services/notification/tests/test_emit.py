"""From an event to the outbox: each step, each reason why something was not queued."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from common.clock import rfc3339, utc_now
from notification.models import ChannelCode, Event, MessageStatus
from sqlalchemy import update

SMS, EMAIL, IN_APP = ChannelCode.SMS, ChannelCode.EMAIL, ChannelCode.IN_APP
NOTHING = {"ok": True, "queued_count": 0, "queued_outbox_ids": [], "skipped": []}


def reasons(answer: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in answer["skipped"]]


# Step 1: the event


def test_unknown_event_is_404(desk: Any) -> None:
    answer = desk.emit("anna", event_code="NOBODY_KNOWS", status=404)

    assert answer["error"] == "Unknown or inactive event_code"


def test_inactive_event_is_404(desk: Any) -> None:
    desk.rule(IN_APP)
    with desk.parts.database.writing() as session:
        session.execute(update(Event).values(is_active=False))

    answer = desk.emit("anna", status=404)

    assert answer["error"] == "Unknown or inactive event_code"


def test_context_that_breaks_the_events_schema_is_refused(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)
    schema = {"properties": {"number": {"type": "integer"}}, "required": ["number"]}
    with desk.parts.database.writing() as session:
        session.execute(update(Event).values(context_schema=schema))

    answer = desk.emit("anna", context={"number": "x"}, status=422)

    assert answer["errors"] == {"context": ["/number: 'x' is not of type 'integer'"]}
    assert desk.queued() == []
    assert desk.emit("anna", context={"number": 1})["queued_count"] == 1


# Step 2: nobody is to be told


def test_without_an_active_rule_nothing_happens(desk: Any) -> None:
    desk.rule(IN_APP, is_active=False)

    answer = desk.emit("anna", status=200)

    assert answer == {**NOTHING, "disposition": "suppressed", "reason": "no_active_rule"}


@pytest.mark.parametrize("given", [{}, {"recipients": []}, {"recipient_user_id": None}])
def test_without_recipients_nothing_happens(desk: Any, given: dict[str, Any]) -> None:
    desk.rule(IN_APP)

    answer = desk.emit(**given, status=200)

    assert answer == {**NOTHING, "disposition": "suppressed", "reason": "no_recipients"}


# Step 3: the rules' recipients


@pytest.mark.parametrize("policy", ["", "*", "ALL"])
def test_rule_for_everyone_tells_everyone(desk: Any, policy: str) -> None:
    desk.rule(IN_APP, recipient_policy=policy)
    desk.template(IN_APP)

    answer = desk.emit("anna", {"user_id": "ben", "actor_type": "STAFF"})

    assert answer["disposition"] == "queued"
    assert [one.recipient_user_id for one in desk.queued()] == ["anna", "ben"]
    assert answer["queued_outbox_ids"] == [str(one.id) for one in desk.queued()]


def test_rule_tells_the_actor_type_it_names(desk: Any) -> None:
    desk.rule(IN_APP, recipient_policy="STAFF")
    desk.template(IN_APP)

    desk.emit("anna", {"user_id": "ben", "actor_type": "STAFF"})

    assert [one.recipient_user_id for one in desk.queued()] == ["ben"]


def test_rule_that_matches_nobody_says_so(desk: Any) -> None:
    rule = desk.rule(IN_APP, recipient_policy="STAFF")

    answer = desk.emit("anna")

    assert answer["skipped"] == [
        {"reason": "No recipients matched recipient_policy", "rule_id": str(rule)}
    ]
    assert (answer["disposition"], answer["reason"]) == ("suppressed", "no_messages_built")


def test_every_active_rule_makes_its_own_messages(desk: Any) -> None:
    rules = {desk.rule(IN_APP, recipient_policy="TEACHER"), desk.rule(IN_APP, SMS)}
    desk.template(IN_APP)
    desk.template(SMS)

    assert desk.emit("anna")["queued_count"] == 3
    assert {one.rule_id for one in desk.queued()} == rules


def test_unknown_actor_type_is_skipped_with_its_code(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.rule(IN_APP)
    desk.template(IN_APP)

    answer = desk.emit("anna", {"user_id": "zed", "actor_type": "MARTIAN"})

    assert answer["queued_count"] == 2
    assert answer["skipped"] == [
        {"reason": "Unknown actor_type code: MARTIAN", "user_id": "zed", "actor_type": "MARTIAN"}
    ]


# Step 4: channels and preferences


def test_rule_without_channels_says_so(desk: Any) -> None:
    rule = desk.rule()

    assert desk.emit("anna")["skipped"] == [
        {"reason": "No channels configured for active rule", "rule_id": str(rule)}
    ]


def test_disallowed_channel_is_blocked_and_the_others_are_used(desk: Any) -> None:
    rule = desk.rule(SMS, EMAIL, IN_APP)
    for channel in ChannelCode:
        desk.template(channel)
    desk.prefers("anna", allow_sms=False)
    desk.prefers("anna", actor_type="STAFF", allow_email=False)

    answer = desk.emit("anna", "ben")

    assert [(one.recipient_user_id, one.channel) for one in desk.queued()] == [
        *[("anna", EMAIL), ("anna", IN_APP)],
        *[("ben", EMAIL), ("ben", IN_APP), ("ben", SMS)],
    ]
    assert answer["skipped"] == [
        {
            "reason": "Blocked by user preference",
            "rule_id": str(rule),
            "user_id": "anna",
            "actor_type": "TEACHER",
            "channel": "SMS",
        }
    ]


# Step 5: templates


def test_language_is_the_requests_then_the_preferences_then_english(desk: Any) -> None:
    desk.rule(IN_APP)
    for language in ("en", "sw", "fr"):
        desk.template(IN_APP, f"in {language}", language=language)
    for user in ("b-prefers-sw", "c-asks-fr"):
        desk.prefers(user, preferred_lang="sw")
    person = {"actor_type": "TEACHER"}

    desk.emit(
        "a-default",
        "b-prefers-sw",
        {**person, "user_id": "c-asks-fr", "preferred_lang": "FR"},
        {**person, "user_id": "d-asks-de", "preferred_lang": "de"},
    )

    assert [one.body for one in desk.queued()] == ["in en", "in sw", "in fr", "in en"]
    assert [one.language for one in desk.queued()] == ["en", "sw", "fr", "en"]


def test_highest_active_version_is_used(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP, "first", version=1)
    second = desk.template(IN_APP, "second", version=2)
    desk.template(IN_APP, "third", version=3, is_active=False)

    desk.emit("anna")

    (message,) = desk.queued()
    assert (message.body, message.template_version, message.template_id) == ("second", 2, second)


def test_without_a_template_the_message_is_skipped(desk: Any) -> None:
    desk.rule(IN_APP, SMS)
    desk.template(SMS)
    desk.template(IN_APP, language="sw")

    answer = desk.emit("anna")

    assert reasons(answer) == ["No active template found for event/channel/language"]
    assert answer["skipped"][0]["channel"] == "IN_APP"
    assert [one.channel for one in desk.queued()] == [SMS]


# Step 6: placeholders


def test_placeholders_are_filled_from_the_context(desk: Any) -> None:
    desk.rule(EMAIL)
    desk.template(EMAIL, "{order.total} TZS, {paid}, {n}", subject="For {name}")

    desk.emit("anna", context={"name": "Anna", "order": {"total": 1.5}, "paid": True, "n": 3})

    (message,) = desk.queued()
    assert (message.subject, message.body) == ("For Anna", "1.5 TZS, true, 3")


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("{name} {due}", "due"),
        ("{order.total}", "order.total"),
        ("{order}", "order"),
        ("{nothing}", "nothing"),
        ("{name.__class__}", "name.__class__"),
        ("{0}", "0"),
        ("{a!r:>999999}", "a!r:>999999"),
        ("{}", ""),
    ],
)
def test_missing_placeholder_skips_the_message(desk: Any, body: str, missing: str) -> None:
    desk.rule(EMAIL, IN_APP)
    desk.template(EMAIL, body)
    desk.template(IN_APP, "Hello {name}")
    context = {"name": "Anna", "order": {"lines": [1]}, "nothing": None, "a": 1}

    answer = desk.emit("anna", context=context)

    assert reasons(answer) == [f"Missing placeholder: {missing}"]
    assert [one.body for one in desk.queued()] == ["Hello Anna"]


def test_subject_stays_one_line_whatever_fills_it(desk: Any) -> None:
    desk.rule(EMAIL)
    desk.template(EMAIL, "{name}", subject="For {name}")

    desk.emit("anna", context={"name": "Anna\r\nBcc: eve@example.org"})

    (message,) = desk.queued()
    assert message.subject == "For Anna Bcc: eve@example.org"
    assert message.body == "Anna\r\nBcc: eve@example.org"


def test_text_that_grows_too_long_is_skipped(desk: Any) -> None:
    desk.rule(EMAIL, SMS)
    desk.template(EMAIL, "{a}" * 30)
    desk.template(SMS, "{a}" * 8)

    answer = desk.emit("anna", context={"a": "x" * 5_000})

    assert sorted(reasons(answer)) == [
        "Longer than 1000 (subject) or 100000 characters",
        "Longer than 255 SMS segments",
    ]


# Step 7: idempotency


def test_key_of_a_message_names_event_rule_person_and_channel(desk: Any) -> None:
    rule = desk.rule(IN_APP)
    desk.template(IN_APP)

    desk.emit("anna", idempotency_key="k1")

    (message,) = desk.queued()
    assert message.idempotency_key == f"k1:LICENCE_ISSUED:{rule}:anna:TEACHER:IN_APP"


def test_same_key_again_queues_what_is_new_and_names_what_is_not(desk: Any) -> None:
    rule = desk.rule(IN_APP)
    desk.template(IN_APP)
    first = desk.emit("anna", idempotency_key="k1")

    again = desk.emit("anna", "ben", idempotency_key="k1")
    all_known = desk.emit("anna", idempotency_key="k1")

    duplicate = {
        "reason": "Duplicate idempotency key (already queued)",
        "rule_id": str(rule),
        "user_id": "anna",
        "actor_type": "TEACHER",
        "channel": "IN_APP",
        "outbox_id": first["queued_outbox_ids"][0],
    }
    assert again["skipped"] == all_known["skipped"] == [duplicate]
    assert (again["disposition"], again["queued_count"]) == ("queued", 1)
    assert (all_known["disposition"], all_known["reason"]) == ("suppressed", "no_messages_built")
    assert [one.recipient_user_id for one in desk.queued()] == ["anna", "ben"]


def test_person_who_is_listed_twice_is_told_once(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)

    answer = desk.emit("anna", "anna")

    assert reasons(answer) == ["Duplicate idempotency key (already queued)"]
    assert answer["skipped"][0]["outbox_id"] == answer["queued_outbox_ids"][0]
    assert len(desk.queued()) == 1


def test_without_a_key_every_call_queues(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)

    assert [desk.emit("anna")["queued_count"] for _ in range(2)] == [1, 1]


# Step 8: the rows


def test_queued_row_holds_all_that_is_needed_to_send_it(desk: Any) -> None:
    desk.rule(SMS, EMAIL, IN_APP, priority="HIGH")
    for channel in ChannelCode:
        desk.template(channel, "Habari €", subject="Leseni")
    anna = {
        "user_id": "anna",
        "actor_type": "TEACHER",
        "to_phone": ["0712 345 678", "no number", "+255754000001"],
        "to_email": "anna@example.org",
    }

    desk.emit(anna, entity_type="licence", entity_id="17", payload={"a": [1]}, max_attempts=3)

    email, in_app, sms = desk.queued()
    for one in (email, in_app, sms):
        assert one.status is MessageStatus.QUEUED
        assert not one.is_final
        assert (one.priority, one.rank) == ("HIGH", -80)
        assert (one.entity_type, one.entity_id, one.payload) == ("licence", "17", {"a": [1]})
        assert (one.attempt_count, one.max_attempts) == (0, 3)
        assert (one.subject, one.body) == ("Leseni", "Habari €")
        assert one.next_attempt_at <= utc_now()
    assert (email.to_email, email.to_phone) == ("anna@example.org", None)
    assert (in_app.to_email, in_app.to_phone) == (None, None)
    assert (sms.to_email, sms.to_phone) == (None, "+255712345678,no number,+255754000001")
    assert (sms.sms_encoding, sms.sms_segments, email.sms_segments) == ("GSM-7", 1, None)


def test_one_recipient_may_stand_in_the_event_itself(desk: Any) -> None:
    desk.rule(SMS)
    desk.template(SMS, language="sw")

    answer = desk.emit(
        recipient_user_id="anna",
        recipient_actor_type="TEACHER",
        to_phone="0712345678",
        to_email="",
        preferred_lang="sw",
    )

    assert answer["queued_count"] == 1
    assert [one.to_phone for one in desk.queued()] == ["+255712345678"]


def test_send_at_is_not_before(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)
    later = utc_now().replace(microsecond=0) + timedelta(hours=3)

    desk.emit("anna", send_at=rfc3339(later))
    desk.emit("ben", send_at="2020-01-01T00:00:00Z")

    anna, ben = desk.queued()
    assert anna.next_attempt_at == later
    assert abs(ben.next_attempt_at - utc_now()) < timedelta(minutes=1)


def test_quiet_hours_delay_what_rings_unless_it_is_critical(desk: Any) -> None:
    desk.rule(SMS, IN_APP)
    desk.rule(SMS, priority="CRITICAL")
    desk.template(SMS)
    desk.template(IN_APP)
    desk.prefers(
        "anna", quiet_from=time(21), quiet_until=time(6, 30), time_zone="Africa/Dar_es_Salaam"
    )
    night = datetime.combine(utc_now().date() + timedelta(days=2), time(20), UTC)

    desk.emit("anna", send_at=rfc3339(night))

    moments = {(one.channel, one.priority): one.next_attempt_at for one in desk.queued()}
    assert moments == {
        (SMS, "NORMAL"): night + timedelta(hours=7, minutes=30),
        (IN_APP, "NORMAL"): night,
        (SMS, "CRITICAL"): night,
    }


# Bad input, and much of it


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_code", ""),
        ("event_code", 5),
        ("event_code", "A" * 65),
        ("event_code", "A:B"),
        ("context", []),
        ("context", {"a": "\x00"}),
        ("context", {"a": "x" * 70_000}),
        ("recipients", {}),
        ("recipients", [17]),
        ("recipients", [{"user_id": "u", "actor_type": "TEACHER", "age": 3}]),
        ("recipients", [{"actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": 17, "actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": "u"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_email": "a@b.c\r\nBcc: d@e.f"}]),
        ("recipients", [{"user_id": "u\n", "actor_type": "T"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": "0712\r\n345678"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": ["1"] * 21}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": [17]}]),
        ("to_phone", {"a": 1}),
        ("recipient_user_id", "u"),
        ("idempotency_key", "k" * 201),
        ("entity_id", "\ud800"),
        ("payload", [1]),
        ("payload", {"a": "x" * 20_000}),
        ("max_attempts", 0),
        ("max_attempts", 51),
        ("max_attempts", "5"),
        ("send_at", "soon"),
        ("send_at", "2026-01-01T00:00:00"),
        ("send_at", "9999-12-31T23:59:59Z"),
        ("colour", "red"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_field(desk: Any, field: str, value: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)

    answer = desk.emit("anna", **{field: value}, status=422)

    assert list(answer["errors"]) == [field]
    assert desk.queued() == []


def test_one_recipient_needs_its_user_and_actor_type(desk: Any) -> None:
    answer = desk.emit(recipient_actor_type="TEACHER", status=422)
    assert list(answer["errors"]) == ["recipient_user_id"]

    answer = desk.emit(recipient_user_id="anna", status=422)
    assert list(answer["errors"]) == ["recipient_actor_type"]


def test_ten_thousand_recipients_are_queued_and_more_are_refused(desk: Any) -> None:
    desk.rule(IN_APP)
    desk.template(IN_APP)
    for number in range(0, 10_000, 2_000):
        desk.prefers(f"user-{number}", allow_in_app=False)

    answer = desk.emit(*(f"user-{number}" for number in range(10_000)))

    assert (answer["queued_count"], len(answer["skipped"])) == (9_995, 5)
    refused = desk.emit(*(f"user-{number}" for number in range(10_001)), status=422)
    assert refused["errors"] == {"recipients": ["Longer than maximum length 10000."]}
    assert len(desk.queued()) == 9_995
