"""What the Django mediator's clients send and read, kind by kind, on our API."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from notification.config import Settings
from notification.container import Container
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    FormerRecord,
    MessageStatus,
    OutboxMessage,
    Rule,
    Template,
)
from notification.transports import Message
from notification.transports.build import DIALECTS
from notification.transports.sms.masked import MASK, masked
from notification.transports.sms.settings import NumberFormat, SmsSettings
from sqlalchemy import select, update

SMS, IN_APP = ChannelCode.SMS, ChannelCode.IN_APP
EVENT = "LICENCE_ISSUED"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def message(api: Any, container: Container) -> str:
    """A message that waits, emitted as the mediator's clients do; its id."""
    with container.database.writing() as session:
        rule = Rule(event_code=EVENT, recipient_policy="ALL", priority="NORMAL")
        session.add(rule)
        session.flush()
    given = {"channels": ["SMS"]}
    assert api.patch(f"rules/{rule.id}/", given).status_code == 200
    words = {"event_code": EVENT, "channel": "SMS", "language": "en", "body": "Habari {name}"}
    assert api.post("templates/", words).status_code == 201
    return emitted(api)["queued_outbox_ids"][0]


def emitted(api: Any, **changes: Any) -> dict[str, Any]:
    person = {"user_id": 2001, "actor_type": "TEACHER", "to_phone": "0712345678"}
    given = {"event_code": EVENT, "context": {"name": "Asha"}, "recipients": [person], **changes}
    answer = api.post("emit/", given)
    assert answer.status_code in (200, 201), answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def imported(container: Container, kind: str, number: int, record_id: str) -> None:
    """Let a record have come over from the mediator, where it had this number."""
    row = FormerRecord(kind=kind, former_id=str(number), record_id=uuid.UUID(record_id), digest="0")
    with container.database.writing() as session:
        session.add(row)


def entry(container: Container, outbox_id: str, status: AttemptStatus, **values: Any) -> None:
    made = DeliveryLog(outbox_id=uuid.UUID(outbox_id), attempt_no=1, status=status, **values)
    with container.database.writing() as session:
        session.add(made)


# 11 and 12: emit


@pytest.mark.usefixtures("message")
def test_emit_takes_numbers_texts_of_digits_and_members_that_nobody_knows(api: Any) -> None:
    one = {"recipient_user_id": 2002, "recipient_actor_type": "TEACHER", "to_phone": 255712345678}
    given = {"recipients": [], "entity_id": 77, "max_attempts": "3", "client_version": 2, **one}

    answer = emitted(api, **given)

    stored = api.get(f"outbox/{answer['queued_outbox_ids'][0]}/").get_json()["data"]
    assert (stored["recipient_user_id"], stored["to_phone"]) == ("2002", "+255712345678")
    assert (stored["entity_id"], stored["max_attempts"]) == ("77", 3)


@pytest.mark.usefixtures("message")
def test_emits_answer_names_the_event_a_reason_and_every_person_that_was_skipped(api: Any) -> None:
    api.post("preferences/TEACHER/2003/", {"allow_sms": False})
    people = [
        {"user_id": 2003, "actor_type": "TEACHER"},
        {"user_id": 2004, "actor_type": "MARTIAN"},
        {"user_id": 2005, "actor_type": "TEACHER", "to_phone": "N/A"},
        {"user_id": "2006", "actor_type": "TEACHER", "to_email": "a\nb"},
        {"user_id": 2007, "actor_type": "TEACHER", "to_phone": "0712345679"},
    ]

    answer = emitted(api, recipients=people)

    assert (answer["event_code"], answer["disposition"], answer["reason"]) == (EVENT, "queued", "")
    assert sorted(one["recipient_user_id"] for one in answer["skipped"]) == [
        *("2003", "2004", "2005", "2006")
    ]
    assert emitted(api, recipients=[])["reason"] == "no_recipients"


# 13: one envelope


def test_every_single_record_comes_in_one_envelope(api: Any, message: str) -> None:
    rule, template = (
        api.get(f"{noun}/").get_json()["data"][0]["id"] for noun in ("rules", "templates")
    )
    paths = [
        *("lookups/", f"events/{EVENT}/", "preferences/TEACHER/2001/"),
        *(f"rules/{rule}/", f"templates/{template}/", f"outbox/{message}/"),
        f"explain/?outbox_id={message}",
    ]
    for path in paths:
        answer = api.ask("GET", path).get_json()
        assert answer.pop("ok") is True
        data = answer.pop("data")
        assert data == answer  # for one version the members stand beside it as well


def test_what_acts_make_comes_in_the_envelope_as_well(api: Any, message: str) -> None:
    made = [
        api.post("preferences/TEACHER/2001/", {"preferred_lang": "sw"}),
        api.post("events/", {"code": "TERM_BEGINS", "module": "CPD"}),
        api.post("lookups/modules/", {"code": "SCHOOLS"}),
        api.post("templates/preview/", {"body": "Habari"}),
        api.post(f"outbox/{message}/cancel/"),
        api.post(f"outbox/{message}/requeue/"),
    ]
    for answer in made:
        assert answer.status_code in (200, 201)
        found = answer.get_json()
        assert found["ok"] is True
        assert found["data"].items() <= found.items()


def test_a_message_that_was_read_comes_in_the_envelope(api: Any, container: Container) -> None:
    with container.database.writing() as session:
        session.add(Rule(event_code=EVENT, recipient_policy="*", priority="NORMAL"))
    (rule,) = api.get("rules/").get_json()["data"]
    api.patch(f"rules/{rule['id']}/", {"channels": ["IN_APP"]})
    api.post(
        "templates/",
        {"event_code": EVENT, "channel": "IN_APP", "language": "en", "body": "Habari"},
    )
    emitted(api)
    api.post("outbox/process/")
    (unread,) = api.ask("GET", "inbox/2001/?unread=1").get_json()["data"]

    answer = api.post(f"inbox/{unread['id']}/read/").get_json()

    assert (answer["ok"], answer["data"]["is_read"]) == (True, True)
    assert api.ask("GET", "inbox/2001/?unread=YES").get_json()["data"] == []


# 15: events by code


def test_events_come_by_their_codes_page_by_page(api: Any) -> None:
    api.post("events/", {"code": "AAA_FIRST", "module": "CPD"})
    codes: list[str] = []
    query: dict[str, Any] = {"limit": 4}
    while query.get("cursor", "") is not None:
        page = api.get("events/", **query).get_json()
        codes += [one["code"] for one in page["data"]]
        query["cursor"] = page["next_cursor"]
    assert codes == sorted(codes)
    assert (codes[0], len(codes)) == ("AAA_FIRST", 11)


# 16: delivery logs


@pytest.mark.parametrize(
    ("status", "code", "phase"),
    [
        (AttemptStatus.SENT, "SENT", None),
        (AttemptStatus.DELIVERED, "DELIVERED", None),
        (AttemptStatus.FAILED_TEMPORARY, "FAILED", "temporary"),
        (AttemptStatus.FAILED_FINAL, "FAILED", "final"),
        (AttemptStatus.UNKNOWN, "UNKNOWN", None),
    ],
)
def test_an_attempt_has_the_mediators_code_beside_ours(
    api: Any, message: str, container: Container, status: Any, code: str, phase: str | None
) -> None:
    entry(container, message, status, response_payload={"http_status": 202})

    (attempt,) = api.get(f"outbox/{message}/delivery-logs/").get_json()["data"]

    assert (attempt["status"], attempt["status_code"]) == (status, code)
    assert attempt["response_payload"]["http_status"] == 202
    assert attempt["response_payload"].get("phase") == phase
    escalates = attempt["response_payload"].get("escalation_required")
    assert escalates is (None if phase is None else False)


def test_every_status_of_an_attempt_has_a_code(api: Any, message: str, container: Any) -> None:
    entry(container, message, AttemptStatus.STARTED)
    for status in AttemptStatus:
        with container.database.writing() as session:
            session.execute(update(DeliveryLog).values(status=status))
        (attempt,) = api.get(f"outbox/{message}/delivery-logs/").get_json()["data"]
        assert attempt["status_code"] in set(MessageStatus)


def test_a_failure_that_escalates_says_so(api: Any, message: str, container: Container) -> None:
    said = {"escalation_required": True}
    entry(container, message, AttemptStatus.FAILED_FINAL, response_payload=said)
    (attempt,) = api.get(f"outbox/{message}/delivery-logs/").get_json()["data"]
    assert attempt["response_payload"] == {"escalation_required": True, "phase": "final"}


SENT = Message("key-1", SMS, ("+255712345678",), "", "Ndugu Asha, matokeo yako ni PASS 7 kati ya 9")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b'{"message_id":"m-17","status":"PENDING"}', {"message_id": "m-17", "status": "PENDING"}),
        (b'{"code":100,"ok":true,"left":null}', {"code": 100, "ok": True, "left": None}),
        (b'{"to":"255712345678","phone":255712345678}', {"to": MASK, "phone": MASK}),
        (b'{"id":"255712345678"}', {"id": MASK}),
        (b'{"id":"28891130041203538123"}', {"id": "28891130041203538123"}),
        (b'{"from":"+255 754 000 111"}', {"from": MASK}),
        (b'{"text":"Ndugu Asha, matokeo yako"}', {"text": MASK}),
        (b'{"said":"refused: matokeo yako ni PASS"}', {"said": MASK}),
        (b'{"name":"Asha"}', {"name": MASK}),
        (b'{"token":"abc","Authorization":"x"}', {"token": MASK, "Authorization": MASK}),
        (b'{"255712345678":"SENT"}', {}),
        (b'{"cost":NaN,"rate":1e999}', {"cost": None, "rate": MASK}),
        (b"[" * 3 + b'"OK"' + b"]" * 3, [[["OK"]]]),
        (b"OK accepted", "OK accepted"),
        (b"OK 255712345678", MASK),
        (b"x" * 500, MASK),
        (b"\xff\x00", MASK),
        (b"", None),
    ],
)
def test_what_is_kept_of_an_answer_has_no_number_and_no_word(answer: bytes, kept: Any) -> None:
    assert masked(answer, SENT) == kept


def test_a_long_answer_is_kept_in_part() -> None:
    found = masked(b"[" + b",".join([b'"OK"'] * 10_000) + b"]", SENT)
    assert 0 < len(found) <= 50
    assert masked(b"[" * 900 + b"]" * 900, SENT) != []


# 17: the outbox


def test_a_message_says_when_it_changed_and_has_an_empty_last_error(
    api: Any, message: str, container: Container
) -> None:
    first = api.get(f"outbox/{message}/").get_json()["data"]
    assert (first["last_error"], first["updated_at"]) == ("", first["created_at"])
    (listed,) = api.get("outbox/").get_json()["data"]
    assert (listed["last_error"], listed["updated_at"]) == ("", first["created_at"])

    assert api.post(f"outbox/{message}/cancel/").get_json()["data"]["last_error"] == ""

    second = api.get(f"outbox/{message}/").get_json()["data"]
    assert second["updated_at"] > first["updated_at"]
    with container.database.writing() as session:  # a row from before the column
        session.execute(update(OutboxMessage).values(updated_at=None))
    assert api.get(f"outbox/{message}/").get_json()["data"]["updated_at"] == first["created_at"]


# 18: numbers for a provider


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({}, "255712345678"),  # nothing but an address: the mediator's settings
        ({"PROVIDER": "generic"}, "+255712345678"),
        ({"NUMBER_FORMAT": "e164"}, "+255712345678"),
        ({"PROVIDER": "generic", "NUMBER_FORMAT": "digits"}, "255712345678"),
    ],
)
def test_an_address_from_the_mediators_settings_gets_numbers_as_it_did(
    tmp_path: Path, given: dict[str, str], number: str
) -> None:
    environ = {f"NOTIFICATION_SMS_{name}": value for name, value in given.items()}
    environ |= {"NOTIFICATION_SMS_URL": "https://sms.example.org/", "VAR_DIR": str(tmp_path)}
    (provider,) = Settings.read(environ).sms

    request = DIALECTS[provider.name](provider).request(SENT, NOW)

    assert json.loads(request.body)["to"] == number


@pytest.mark.parametrize("name", DIALECTS)
def test_every_provider_can_be_given_numbers_either_way(name: str) -> None:
    names = ("username", "api_key", "secret_key", "sys_id", "service_id", "sender_id")
    settings = SmsSettings(name=name, url="https://sms.example.org/", **dict.fromkeys(names, "x"))
    for wanted, has_plus in ((NumberFormat.E164, True), (NumberFormat.DIGITS, False)):
        dialect = DIALECTS[name](replace(settings, number_format=wanted))
        body = dialect.request(SENT, NOW).body.replace(b"%2B", b"+")
        assert (b"+255712345678" in body) is has_plus
        assert b"255712345678" in body


# 24: an institution's own words


def test_an_institution_adds_its_own_codes_by_api(api: Any) -> None:
    module = api.post("lookups/modules/", {"code": "EXAMS", "name": "Examinations"})
    assert module.status_code == 201
    assert module.headers["Location"] == "/api/notification/lookups/modules/EXAMS/"
    event = {"code": "EXAM_PASSED", "module": "EXAMS", "description": "Somebody has passed"}
    assert api.post("events/", event).status_code == 201
    priority = api.post("lookups/priority/", {"code": "SOON", "weight": 60}).get_json()["data"]
    assert (priority["name"], priority["weight"], priority["is_active"]) == ("SOON", 60, True)
    assert api.post("lookups/actor-types/", {"code": "PARENT"}).status_code == 201

    found = api.get("lookups/").get_json()["data"]

    assert found["modules"][-1]["code"] == "EXAMS"
    assert found["actor_types"][-1]["name"] == "PARENT"
    changed = api.patch("lookups/modules/EXAMS/", {"name": "Exams", "is_active": False})
    assert (changed.get_json()["data"]["name"], changed.get_json()["is_active"]) == ("Exams", False)


@pytest.mark.parametrize(
    ("kind", "given", "status"),
    [
        ("colours", {"code": "RED"}, 404),
        ("modules", {"code": "PAYMENT"}, 409),
        ("channels", {"code": "PIGEON"}, 409),
        ("statuses", {"code": "LOST"}, 409),
        ("modules", {"code": "A B"}, 422),
        ("modules", {}, 422),
        ("modules", {"code": "EXAMS", "weight": 3}, 422),
        ("priorities", {"code": "SOON", "weight": 40_000}, 422),
    ],
)
def test_a_code_that_cannot_be_added_is_refused(
    api: Any, kind: str, given: dict[str, Any], status: int
) -> None:
    assert api.post(f"lookups/{kind}/", given).status_code == status
    assert api.patch(f"lookups/{kind}/NOBODY/", {"name": "x"}).status_code == 404


def test_codes_need_the_admins_scope(api_with: Callable[[str], Any]) -> None:
    reader = api_with("notification:read notification:emit")
    assert reader.post("lookups/modules/", {"code": "EXAMS"}).status_code == 403
    assert reader.patch("lookups/modules/CPD/", {"name": "x"}).status_code == 403


# 25: nobody is everyone silently


@pytest.mark.parametrize("given", [{}, {"recipient_policy": ""}, {"recipient_policy": None}])
def test_a_rule_says_whom_it_is_for(api: Any, given: dict[str, Any]) -> None:
    answer = api.post("rules/", {"event_code": EVENT, "channels": ["SMS"], **given})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["recipient_policy"]
    assert api.get("rules/").get_json()["count"] == 0


def test_a_rule_for_nobody_in_the_database_tells_nobody(api: Any, container: Container) -> None:
    with container.database.writing() as session:
        session.add(Rule(event_code=EVENT, recipient_policy="", priority="NORMAL"))
    assert emitted(api)["skipped"][0]["reason"] == "No recipients matched recipient_policy"


# Ids are opaque texts


ACTS = [
    ("GET", "outbox/{}/", "outbox_id"),
    ("GET", "outbox/{}/delivery-logs/", "outbox_id"),
    ("POST", "outbox/{}/cancel/", "outbox_id"),
    ("POST", "outbox/{}/requeue/", "outbox_id"),
    ("GET", "explain/?outbox_id={}", "outbox_id"),
    ("POST", "inbox/{}/read/", "message_id"),
    ("GET", "rules/{}/", "rule_id"),
    ("GET", "templates/{}/", "template_id"),
]


@pytest.mark.parametrize("id_", ["999999", "nothing", str(uuid.UUID(int=7)), "9" * 40])
@pytest.mark.parametrize(("method", "path", "member"), ACTS)
def test_an_id_that_names_nothing_is_answered_with_it(
    api: Any, method: str, path: str, member: str, id_: str
) -> None:
    answer = api.ask(method, path.format(id_))

    noun = {"outbox_id": "Outbox", "message_id": "Message", "rule_id": "Rule"}
    assert answer.status_code == 404
    found = answer.get_json()
    assert found["error"] == f"{noun.get(member, 'Template')} not found"
    assert (found[member], found["ok"]) == (id_, False)


def test_former_numbers_name_their_records(api: Any, message: str, container: Container) -> None:
    with container.database.reading() as session:
        (rule,), (template,) = (list(session.scalars(select(one.id))) for one in (Rule, Template))
    imported(container, "message", 41, message)
    imported(container, "rule", 5, str(rule))
    imported(container, "template", 6, str(template))

    assert api.get("outbox/41/").get_json()["data"]["id"] == message
    assert api.get("outbox/41/delivery-logs/").get_json()["data"] == []
    assert api.ask("GET", "explain/?outbox_id=41").status_code == 200
    assert api.post("outbox/41/cancel/").get_json()["data"]["status"] == "CANCELLED"
    assert api.post("outbox/41/requeue/").get_json()["data"]["outbox_id"] == message
    assert api.patch("rules/5/", {"priority": "HIGH"}).get_json()["data"]["id"] == str(rule)
    assert api.get("templates/6/").get_json()["data"]["id"] == str(template)
