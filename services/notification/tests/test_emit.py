"""From an event to the outbox: each step, each reason why something was not queued."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from common.clock import rfc3339, utc_now
from notification.models import ChannelCode, Event, MessageStatus
from notification.schemas.emit import EmitIn, RecipientIn, plain_recipients
from sqlalchemy import update

SMS, EMAIL, IN_APP = ChannelCode.SMS, ChannelCode.EMAIL, ChannelCode.IN_APP
NOTHING = {
    "ok": True,
    "event_code": "LICENCE_ISSUED",
    "queued_count": 0,
    "queued_outbox_ids": [],
    "skipped": [],
    "recipients_merged": 0,
}


def reasons(answer: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in answer["skipped"]]


# Step 1: the event


def test_unknown_event_is_404(client: Any) -> None:
    answer = client.emit("anna", event_code="NOBODY_KNOWS", status=404)

    assert answer["error"] == "Unknown or inactive event_code"


def test_inactive_event_is_404(client: Any) -> None:
    client.rule(IN_APP)
    with client.container.database.writing() as session:
        session.execute(update(Event).values(is_active=False))

    answer = client.emit("anna", status=404)

    assert answer["error"] == "Unknown or inactive event_code"


def test_context_that_breaks_the_events_schema_is_refused(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    schema = {"properties": {"number": {"type": "integer"}}, "required": ["number"]}
    with client.container.database.writing() as session:
        session.execute(update(Event).values(context_schema=schema))

    answer = client.emit("anna", context={"number": "x"}, status=422)

    assert answer["errors"] == {"context": ['/number: the value is not of type "integer"']}
    assert client.queued() == []
    assert client.emit("anna", context={"number": 1})["queued_count"] == 1


# Step 2: nobody is to be told


def test_without_an_active_rule_nothing_happens(client: Any) -> None:
    client.rule(IN_APP, is_active=False)

    answer = client.emit("anna", status=200)

    assert answer == {**NOTHING, "disposition": "suppressed", "reason": "no_active_rule"}


@pytest.mark.parametrize("given", [{}, {"recipients": []}, {"recipient_user_id": None}])
def test_without_recipients_nothing_happens(client: Any, given: dict[str, Any]) -> None:
    client.rule(IN_APP)

    answer = client.emit(**given, status=200)

    assert answer == {**NOTHING, "disposition": "suppressed", "reason": "no_recipients"}


# Step 3: the rules' recipients


@pytest.mark.parametrize("policy", ["*", "ALL"])
def test_rule_for_everyone_tells_everyone(client: Any, policy: str) -> None:
    client.rule(IN_APP, recipient_policy=policy)
    client.template(IN_APP)

    answer = client.emit("anna", {"user_id": "ben", "actor_type": "STAFF"})

    assert answer["disposition"] == "queued"
    assert [one.recipient_user_id for one in client.queued()] == ["anna", "ben"]
    assert answer["queued_outbox_ids"] == [str(one.id) for one in client.queued()]


def test_rule_tells_the_actor_type_it_names(client: Any) -> None:
    client.rule(IN_APP, recipient_policy="STAFF")
    client.template(IN_APP)

    client.emit("anna", {"user_id": "ben", "actor_type": "STAFF"})

    assert [one.recipient_user_id for one in client.queued()] == ["ben"]


def test_rule_that_matches_nobody_says_so(client: Any) -> None:
    rule = client.rule(IN_APP, recipient_policy="STAFF")

    answer = client.emit("anna")

    assert answer["skipped"] == [
        {"reason": "No recipients matched recipient_policy", "rule_id": str(rule)}
    ]
    assert (answer["disposition"], answer["reason"]) == ("suppressed", "no_messages_built")


def test_every_active_rule_makes_its_own_messages(client: Any) -> None:
    rules = {client.rule(IN_APP, recipient_policy="TEACHER"), client.rule(IN_APP, SMS)}
    client.template(IN_APP)
    client.template(SMS)

    assert client.emit("anna")["queued_count"] == 3
    assert {one.rule_id for one in client.queued()} == rules


def test_unknown_actor_type_is_skipped_with_its_code(client: Any) -> None:
    client.rule(IN_APP)
    client.rule(IN_APP)
    client.template(IN_APP)

    answer = client.emit("anna", {"user_id": "zed", "actor_type": "MARTIAN"})

    assert answer["queued_count"] == 2
    assert answer["skipped"] == [
        {"reason": "Unknown actor_type code: MARTIAN", "user_id": "zed", "actor_type": "MARTIAN"}
    ]


# Step 4: channels and preferences


def test_rule_without_channels_says_so(client: Any) -> None:
    rule = client.rule()

    assert client.emit("anna")["skipped"] == [
        {"reason": "No channels configured for active rule", "rule_id": str(rule)}
    ]


def test_disallowed_channel_is_blocked_and_the_others_are_used(client: Any) -> None:
    rule = client.rule(SMS, EMAIL, IN_APP)
    for channel in ChannelCode:
        client.template(channel)
    client.prefers("anna", allow_sms=False)
    client.prefers("anna", actor_type="STAFF", allow_email=False)

    answer = client.emit("anna", "ben")

    assert [(one.recipient_user_id, one.channel) for one in client.queued()] == [
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


def test_language_is_the_requests_then_the_preferences_then_english(client: Any) -> None:
    client.rule(IN_APP)
    for language in ("en", "sw", "fr"):
        client.template(IN_APP, f"in {language}", language=language)
    for user in ("b-prefers-sw", "c-asks-fr"):
        client.prefers(user, preferred_lang="sw")
    person = {"actor_type": "TEACHER"}

    client.emit(
        "a-default",
        "b-prefers-sw",
        {**person, "user_id": "c-asks-fr", "preferred_lang": "FR"},
        {**person, "user_id": "d-asks-de", "preferred_lang": "de"},
    )

    assert [one.body for one in client.queued()] == ["in en", "in sw", "in fr", "in en"]
    assert [one.language for one in client.queued()] == ["en", "sw", "fr", "en"]


def test_highest_active_version_is_used(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP, "first", version=1)
    second = client.template(IN_APP, "second", version=2)
    client.template(IN_APP, "third", version=3, is_active=False)

    client.emit("anna")

    (message,) = client.queued()
    assert (message.body, message.template_version, message.template_id) == ("second", 2, second)


def test_without_a_template_the_message_is_skipped(client: Any) -> None:
    client.rule(IN_APP, SMS)
    client.template(SMS)
    client.template(IN_APP, language="sw")

    answer = client.emit("anna")

    assert reasons(answer) == ["No active template found for event/channel/language"]
    assert answer["skipped"][0]["channel"] == "IN_APP"
    assert [one.channel for one in client.queued()] == [SMS]


@pytest.mark.parametrize("written", ["sw-TZ", "sw_TZ", "SW", "sw-Latn-TZ"])
def test_a_wider_language_serves_a_narrower_one(client: Any, written: str) -> None:
    client.rule(IN_APP)
    for language in ("en", "sw"):
        client.template(IN_APP, f"in {language}", language=language)

    client.emit({"user_id": "anna", "actor_type": "TEACHER", "preferred_lang": written})
    client.api.post("preferences/TEACHER/ben/", {"preferred_lang": written})
    client.emit("ben")

    assert [one.body for one in client.queued()] == ["in sw", "in sw"]


def test_the_narrowest_template_that_there_is_is_used(client: Any) -> None:
    client.rule(IN_APP)
    for language in ("en", "sw", "sw-tz"):
        client.template(IN_APP, f"in {language}", language=language)

    client.emit({"user_id": "anna", "actor_type": "TEACHER", "preferred_lang": "sw_TZ"})

    assert [one.body for one in client.queued()] == ["in sw-tz"]


# Step 6: placeholders


@pytest.mark.parametrize(
    "written",
    ["1500.00", "10000000000000000.0", "0.00001", "1E3", "-0.50", "12345678901234567890", "7"],
)
def test_numbers_stand_as_they_were_written(client: Any, written: str) -> None:
    client.rule(IN_APP)
    template = client.template(IN_APP, "{amount} of {all}")
    body = (
        f'{{"event_code": "LICENCE_ISSUED", "context": {{"amount": {written}, "all": [{written}]}},'
        '"recipients": [{"user_id": "anna", "actor_type": "TEACHER"}]}'
    )
    answer = client.api.ask("POST", "emit/", data=body, content_type="application/json")
    assert answer.status_code == 201
    preview = f'{{"template_id": "{template}", "context": {{"amount": {written}, "all": "it"}}}}'
    shown = client.api.ask(
        "POST", "templates/preview/", data=preview, content_type="application/json"
    )

    assert [one.body for one in client.queued()] == [f"{written} of {written}"]
    assert shown.get_json()["body"] == f"{written} of it"


def test_placeholders_are_filled_from_the_context(client: Any) -> None:
    client.rule(EMAIL)
    client.template(EMAIL, "{order.total} TZS, {paid}, {n}", subject="For {name}")

    client.emit("anna", context={"name": "Anna", "order": {"total": 1.5}, "paid": True, "n": 3})

    (message,) = client.queued()
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
def test_missing_placeholder_skips_the_message(client: Any, body: str, missing: str) -> None:
    client.rule(EMAIL, IN_APP)
    client.template(EMAIL, body)
    client.template(IN_APP, "Hello {name}")
    context = {"name": "Anna", "order": {"lines": [1]}, "nothing": None, "a": 1}

    answer = client.emit("anna", context=context)

    assert reasons(answer) == [f"Missing placeholder: {missing}"]
    assert [one.body for one in client.queued()] == ["Hello Anna"]


def test_subject_stays_one_line_whatever_fills_it(client: Any) -> None:
    client.rule(EMAIL)
    client.template(EMAIL, "{name}", subject="For {name}")

    client.emit("anna", context={"name": "Anna\r\nBcc: eve@example.org"})

    (message,) = client.queued()
    assert message.subject == "For Anna Bcc: eve@example.org"
    assert message.body == "Anna\r\nBcc: eve@example.org"


def test_text_that_grows_too_long_is_skipped(client: Any) -> None:
    client.rule(EMAIL, SMS)
    client.template(EMAIL, "{a}" * 30)
    client.template(SMS, "{a}" * 8)

    answer = client.emit("anna", context={"a": "x" * 5_000})

    assert sorted(reasons(answer)) == [
        "Longer than 1000 (subject) or 100000 characters",
        "Longer than 255 SMS segments",
    ]


CURLY = "\u201cHabari\u00a0{name}\u201d\tkaribu"


def test_typographic_signs_become_plain_where_the_template_allows_it(client: Any) -> None:
    client.rule(SMS, EMAIL)
    client.template(SMS, CURLY, transliterate=True)
    client.template(EMAIL, CURLY, transliterate=True)

    client.emit("anna", context={"name": "D\u2019Souza"})

    email, sms = client.queued()
    assert sms.body == '"Habari D\'Souza" karibu'
    assert (sms.sms_encoding, sms.sms_segments) == ("GSM-7", 1)
    assert "\u201c" in (email.body or "")


def test_the_template_decides_about_signs_and_the_preview_shows_it(client: Any, api: Any) -> None:
    client.rule(SMS)
    template = client.template(SMS, CURLY)
    client.emit("anna", context={"name": "A"})
    asked = {"template_id": str(template), "context": {"name": "A"}}
    before = api.post("templates/preview/", asked).get_json()

    changed = api.patch(f"templates/{template}/", {"transliterate": True}).get_json()

    after = api.post("templates/preview/", {**asked, "template_id": changed["id"]}).get_json()
    assert [one.sms_encoding for one in client.queued()] == ["UCS-2"]
    assert (before["sms"]["encoding"], before["sms_if_plain"]["encoding"]) == ("UCS-2", "GSM-7")
    assert before["replaced"] == ""
    assert (changed["version"], changed["transliterate"]) == (2, True)
    assert (after["sms"]["encoding"], after["sms_if_plain"]) == ("GSM-7", None)
    assert after["replaced"] == "\t\u00a0\u201c\u201d"


# Step 7: idempotency


def test_key_of_a_message_names_event_rule_person_and_channel(client: Any) -> None:
    rule = client.rule(IN_APP)
    client.template(IN_APP)

    client.emit("anna", idempotency_key="k1")

    (message,) = client.queued()
    assert message.idempotency_key == f"k1:LICENCE_ISSUED:{rule}:anna:TEACHER:IN_APP"


def test_same_key_again_queues_what_is_new_and_names_what_is_not(client: Any) -> None:
    rule = client.rule(IN_APP)
    client.template(IN_APP)
    first = client.emit("anna", idempotency_key="k1")

    again = client.emit("anna", "ben", idempotency_key="k1")
    all_known = client.emit("anna", idempotency_key="k1")

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
    assert [one.recipient_user_id for one in client.queued()] == ["anna", "ben"]


@pytest.mark.parametrize(
    "other",
    [
        {"context": {"amount": 2}},
        {"context": {}},
        {"event_code": "PAYMENT_CONFIRMED"},
        {"entity_id": "18"},
        {"payload": {"a": 1}},
    ],
)
def test_a_key_that_was_used_with_other_content_is_refused(
    client: Any, other: dict[str, Any]
) -> None:
    for event_code in ("LICENCE_ISSUED", "PAYMENT_CONFIRMED"):
        client.rule(IN_APP, event_code=event_code)
        client.template(IN_APP, event_code=event_code)
    said = {"context": {"amount": 1}, "entity_type": "licence", "entity_id": "17"}
    client.emit("anna", idempotency_key="k1", **said)

    answer = client.emit("anna", idempotency_key="k1", **{**said, **other}, status=422)

    reason = "Was used with another event, context, entity or payload."
    assert answer["errors"] == {"idempotency_key": [reason]}
    assert len(client.queued()) == 1
    assert client.emit("anna", "ben", idempotency_key="k1", **said)["queued_count"] == 1


def test_the_order_of_members_is_no_content(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    client.emit("anna", idempotency_key="k1", context={"a": 1, "b": [1.5]})

    again = client.emit("anna", idempotency_key="k1", context={"b": [1.5], "a": 1})

    assert reasons(again) == ["Duplicate idempotency key (already queued)"]


def test_person_who_is_listed_twice_is_told_once(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)

    answer = client.emit("anna", "anna")

    assert reasons(answer) == ["Duplicate idempotency key (already queued)"]
    assert answer["skipped"][0]["outbox_id"] == answer["queued_outbox_ids"][0]
    assert len(client.queued()) == 1


def test_without_a_key_every_call_queues(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)

    assert [client.emit("anna")["queued_count"] for _ in range(2)] == [1, 1]


# Step 8: the rows


def test_queued_row_holds_all_that_is_needed_to_send_it(client: Any) -> None:
    client.rule(SMS, EMAIL, IN_APP, priority="HIGH")
    for channel in ChannelCode:
        client.template(channel, "Habari €", subject="Leseni")
    anna = {
        "user_id": "anna",
        "actor_type": "TEACHER",
        "to_phone": ["0712 345 678", "+255754000001"],
        "to_email": "anna@example.org",
    }

    client.emit(anna, entity_type="licence", entity_id="17", payload={"a": [1]}, max_attempts=3)

    email, in_app, sms = client.queued()
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
    assert (sms.to_email, sms.to_phone) == (None, "+255712345678,+255754000001")
    assert (sms.sms_encoding, sms.sms_segments, email.sms_segments) == ("GSM-7", 1, None)


def asha(**addresses: Any) -> dict[str, Any]:
    return {"user_id": "asha", "actor_type": "TEACHER", **addresses}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("N/A", "not a telephone number"),
        ("0", "no such number is possible"),
        ("-", "not a telephone number"),
        ("2.55712E+11", "a spreadsheet's decimal number, not a telephone number"),
        ("0712345678.0", "a spreadsheet's decimal number, not a telephone number"),
        ("O712345678", "letters among the digits"),
    ],
)
def test_what_is_no_number_is_refused_at_queueing(client: Any, text: str, reason: str) -> None:
    rule = client.rule(SMS, IN_APP)
    client.template(SMS)
    client.template(IN_APP)

    answer = client.emit(asha(to_phone=text))

    assert [one.channel for one in client.queued()] == [IN_APP]
    assert answer["skipped"] == [
        {
            "reason": f"No number in to_phone: {reason}",
            "rule_id": str(rule),
            "user_id": "asha",
            "actor_type": "TEACHER",
            "channel": "SMS",
        }
    ]


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ("0712345678/0754345678", "+255712345678,+255754345678"),
        ("0712345678; 0754345678", "+255712345678,+255754345678"),
        (["0712345678", "+255712345678"], "+255712345678"),
        (["0712345678 or 0754345678", "0754 345 678"], "+255712345678,+255754345678"),
    ],
)
def test_a_field_may_hold_several_numbers_each_counts_once(
    client: Any, given: Any, numbers: str
) -> None:
    client.rule(SMS)
    client.template(SMS)

    assert client.emit(asha(to_phone=given))["skipped"] == []

    assert [one.to_phone for one in client.queued()] == [numbers]


def test_number_that_cannot_be_read_is_named_and_the_others_are_used(client: Any) -> None:
    client.rule(SMS)
    client.template(SMS)

    answer = client.emit(asha(to_phone="79 / 0712345678"))

    assert reasons(answer) == ["No number in to_phone: too few digits"]
    assert [one.to_phone for one in client.queued()] == ["+255712345678"]


@pytest.mark.parametrize(
    "text", [" asha@example.org", "asha@example.org\u00a0", "\ufeffasha@example.org"]
)
def test_blanks_around_an_address_are_not_part_of_it(client: Any, text: str) -> None:
    client.rule(EMAIL)
    client.template(EMAIL)

    client.emit(asha(to_email=text))

    assert [one.to_email for one in client.queued()] == ["asha@example.org"]


def test_what_is_no_e_mail_address_is_refused_at_queueing(client: Any) -> None:
    client.rule(EMAIL, IN_APP)
    client.template(EMAIL)
    client.template(IN_APP)

    answer = client.emit(asha(to_email="=?utf-8?q?asha?=@example.org"))

    reason = "No address in to_email: the address is not one that mail can be sent to"
    assert reasons(answer) == [reason]
    assert [one.channel for one in client.queued()] == [IN_APP]


# One phone, several people


def on_phone(user_id: str, *numbers: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "actor_type": "TEACHER", "to_phone": [*numbers], **more}


def test_two_people_with_one_phone_hear_the_same_text_once(client: Any) -> None:
    rule = client.rule(SMS)
    client.template(SMS)
    family = [on_phone("anna", "0712345678"), on_phone("ben", "+255712345678")]

    answer = client.emit(*family, idempotency_key="k1")
    again = client.emit(*family, idempotency_key="k1")

    (message,) = client.queued()
    assert (message.recipient_user_id, message.to_phone) == ("anna", "+255712345678")
    assert (answer["queued_count"], answer["recipients_merged"]) == (1, 1)
    assert answer["skipped"] == [
        {
            "reason": "Same text to the same phone (recipients_merged)",
            "rule_id": str(rule),
            "user_id": "ben",
            "actor_type": "TEACHER",
            "channel": "SMS",
            "outbox_id": str(message.id),
        }
    ]
    assert again["queued_count"] == 0
    assert again["skipped"][1] == answer["skipped"][0]


def test_another_text_on_the_same_phone_is_another_message(client: Any) -> None:
    client.rule(SMS)
    client.template(SMS, "Hello")
    client.template(SMS, "Habari", language="sw")

    answer = client.emit(
        on_phone("anna", "0712345678"), on_phone("ben", "0712345678", preferred_lang="sw")
    )

    assert (answer["queued_count"], answer["recipients_merged"]) == (2, 0)


def test_a_number_that_another_message_reaches_is_left_out(client: Any) -> None:
    client.rule(SMS)
    client.template(SMS)

    client.emit(on_phone("anna", "0712345678"), on_phone("ben", "0712345678", "0754345678"))

    assert [one.to_phone for one in client.queued()] == ["+255712345678", "+255754345678"]


def test_the_more_urgent_of_two_that_say_the_same_is_sent(client: Any) -> None:
    client.rule(SMS, recipient_policy="TEACHER", priority="LOW")
    client.rule(SMS, recipient_policy="STAFF", priority="CRITICAL")
    client.template(SMS)
    ben = {"user_id": "ben", "actor_type": "STAFF", "to_phone": "0712345678"}

    answer = client.emit(on_phone("anna", "0712345678"), ben)

    assert [one.priority for one in client.queued()] == ["CRITICAL"]
    assert answer["skipped"][0]["user_id"] == "anna"


def test_one_recipient_may_stand_in_the_event_itself(client: Any) -> None:
    client.rule(SMS)
    client.template(SMS, language="sw")

    answer = client.emit(
        recipient_user_id="anna",
        recipient_actor_type="TEACHER",
        to_phone="0712345678",
        to_email="",
        preferred_lang="sw",
    )

    assert answer["queued_count"] == 1
    assert [one.to_phone for one in client.queued()] == ["+255712345678"]


def test_send_at_is_not_before(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    later = utc_now().replace(microsecond=0) + timedelta(hours=3)

    client.emit("anna", send_at=rfc3339(later))
    client.emit("ben", send_at="2020-01-01T00:00:00Z")

    anna, ben = client.queued()
    assert anna.next_attempt_at == later
    assert abs(ben.next_attempt_at - utc_now()) < timedelta(minutes=1)


def test_quiet_hours_delay_what_rings_unless_it_is_critical(client: Any) -> None:
    client.rule(SMS, IN_APP)
    client.rule(SMS, priority="CRITICAL")
    client.template(SMS)
    client.template(IN_APP)
    client.prefers(
        "anna", quiet_from=time(21), quiet_until=time(6, 30), time_zone="Africa/Dar_es_Salaam"
    )
    night = datetime.combine(utc_now().date() + timedelta(days=2), time(20), UTC)

    client.emit("anna", send_at=rfc3339(night))

    moments = {(one.channel, one.priority): one.next_attempt_at for one in client.queued()}
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
        ("recipients", [{"actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": 1.5, "actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": True, "actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": -1, "actor_type": "TEACHER"}]),
        ("recipients", [{"user_id": "u"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_email": "a@b.c\r\nBcc: d@e.f"}]),
        ("recipients", [{"user_id": "u\n", "actor_type": "T"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": "0712\r\n345678"}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": ["1"] * 21}]),
        ("recipients", [{"user_id": "u", "actor_type": "T", "to_phone": [1.5]}]),
        ("to_phone", {"a": 1}),
        ("recipient_user_id", "u"),
        ("idempotency_key", "k" * 201),
        ("entity_id", "\ud800"),
        ("payload", [1]),
        ("payload", {"a": "x" * 20_000}),
        ("max_attempts", 0),
        ("max_attempts", 51),
        ("max_attempts", "51"),
        ("max_attempts", "3.0"),
        ("max_attempts", True),
        ("max_attempts", None),
        ("send_at", "soon"),
        ("send_at", "2026-01-01T00:00:00"),
        ("send_at", "9999-12-31T23:59:59Z"),
        ("entity_id", 1.5),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_field(client: Any, field: str, value: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)

    answer = client.emit("anna", **{field: value}, status=422)

    assert list(answer["errors"]) == [field]
    assert client.queued() == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (
            {"preferred_lang": "not a language"},
            "preferred_lang: Must be a language, as sw or en-GB.",
        ),
        ({"user_id": True}, "user_id: Not a valid string."),
        ({"to_email": "a\nb"}, "to_email: Must be one line without control characters."),
        ({"user_id": -1}, "user_id: Not a valid string."),
    ],
)
def test_a_bad_recipient_is_skipped_and_the_others_go(
    client: Any, bad: dict[str, Any], reason: str
) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    zed = {"user_id": "zed", "actor_type": "TEACHER", **bad}

    answer = client.emit("anna", zed, "ben")

    assert [one.recipient_user_id for one in client.queued()] == ["anna", "ben"]
    assert answer["skipped"] == [
        {
            "reason": f"Bad recipient: {reason}",
            "user_id": str(zed["user_id"]),
            "actor_type": "TEACHER",
        }
    ]


def test_ids_are_taken_as_numbers_and_are_the_texts_of_their_digits(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    client.prefers("2002", allow_in_app=False)
    numbers = [{"user_id": one, "actor_type": "TEACHER"} for one in (2001, "2001", 2002)]

    answer = client.emit(*numbers, entity_id=17)
    client.emit(recipient_user_id=2001, recipient_actor_type="TEACHER")

    assert [one["reason"] for one in answer["skipped"]] == [
        "Blocked by user preference",
        "Duplicate idempotency key (already queued)",
    ]
    queued = [(one.recipient_user_id, one.entity_id) for one in client.queued()]
    assert sorted(queued, key=str) == [("2001", "17"), ("2001", None)]
    assert client.api.get("inbox/2001/").status_code == 200


def test_what_the_django_mediators_clients_send_besides_is_ignored(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    anna = {"user_id": "anna", "actor_type": "TEACHER", "age": 3}

    client.emit(anna, max_attempts="3", colour="red")

    [message] = client.queued()
    assert (message.recipient_user_id, message.max_attempts) == ("anna", 3)


def test_one_recipient_needs_its_user_and_actor_type(client: Any) -> None:
    answer = client.emit(recipient_actor_type="TEACHER", status=422)
    assert list(answer["errors"]) == ["recipient_user_id"]

    answer = client.emit(recipient_user_id="anna", status=422)
    assert list(answer["errors"]) == ["recipient_actor_type"]


def test_ten_thousand_recipients_are_queued_and_more_are_refused(client: Any) -> None:
    client.rule(IN_APP)
    client.template(IN_APP)
    for number in range(0, 10_000, 2_000):
        client.prefers(f"user-{number}", allow_in_app=False)

    answer = client.emit(*(f"user-{number}" for number in range(10_000)))

    assert (answer["queued_count"], len(answer["skipped"])) == (9_995, 5)
    refused = client.emit(*(f"user-{number}" for number in range(10_001)), status=422)
    assert refused["errors"] == {"recipients": ["Longer than maximum length 10000."]}
    assert len(client.queued()) == 9_995


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"user_id": 17},
        {"user_id": " u1 ", "actor_type": "TEACHER "},
        {"to_phone": "0712345678", "to_email": "a@b.example", "preferred_lang": "sw"},
        {"to_phone": ["0712345678", 255712345679]},
        {"to_phone": "", "to_email": "", "preferred_lang": ""},
        {"to_phone": None, "to_email": " a@b.example\u00a0", "preferred_lang": None},
        {"preferred_lang": "sw_TZ"},
        {"preferred_lang": "SW"},
        {"user_id": "ዓለም", "more": {"is": "ignored"}},
        {"user_id": "u" * 128},
    ],
)
def test_the_short_way_reads_a_recipient_as_the_schema_does(changes: dict[str, Any]) -> None:
    given = {"user_id": "u1", "actor_type": "TEACHER", **changes}
    expected = RecipientIn().load(given)

    assert EmitIn().load({"event_code": "A", "recipients": [given]}).recipients == [expected]
    assert plain_recipients([given]) in (None, [expected])
    assert plain_recipients([{"user_id": "u1", "actor_type": "TEACHER"}]) is not None
    for name in given:
        assert plain_recipients([{**given, name: "a\n"}]) is None or name == "more"
