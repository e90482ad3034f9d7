"""People in the console: why they get a message or not, their preferences, their inbox."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import ChannelCode, Preference
from sqlalchemy import select

HOME = "/admin/notification/"
WHY, PREFERENCES, INBOX = f"{HOME}why/", f"{HOME}preferences/", f"{HOME}inbox/"
SMS, EMAIL = ChannelCode.SMS, ChannelCode.EMAIL
PREFERENCE_FORM = {
    "actor_type": "TEACHER",
    "user_id": "anna",
    "allow_sms": "true",
    "preferred_lang": "sw",
    "quiet_from": "21:30",
    "quiet_until": "06:00",
    "time_zone": "Africa/Dar_es_Salaam",
}

Console = Callable[[str], FlaskClient]


def stored(container: Container) -> list[Preference]:
    with container.database.reading() as session:
        return list(session.scalars(select(Preference)))


def test_why_says_where_each_way_ends_and_what_was_made(console: Console, client: Any) -> None:
    client.rule(SMS, EMAIL)
    client.template(SMS, "Hello {name}")
    client.emit("anna", context={"name": "Anna"})
    client.prefers("anna", allow_sms=False)
    (message,) = client.queued()

    for query in (f"event_code={message.event_code}&user_id=anna", f"outbox_id={message.id}"):
        page = console("viewer").get(f"{WHY}?{query}").text

        assert "stopped at the preference</span> Blocked by user preference" in page
        assert "stopped at the template</span> No active template found" in page
        assert f'<a href="{HOME}outbox/{message.id}/">SMS</a>' in page
        assert "SMS: no, e-mail: yes" in page


def test_why_names_the_words_of_an_open_way(console: Console, client: Any) -> None:
    client.rule(SMS, recipient_policy="STAFF")
    words = client.template(SMS, "Hello {name}")

    page = console("viewer").get(f"{WHY}?event_code=LICENCE_ISSUED&user_id=ben").text

    assert "would be queued" in page
    assert f'{HOME}templates/{words}/">en, version 1</a>; the context must hold name' in page
    assert "No recipients matched recipient_policy" in page
    assert "No message is on record." in page


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("event_code=NOTHING&user_id=anna", 404, "Unknown or inactive event_code"),
        (f"outbox_id={uuid.UUID(int=7)}", 404, "Outbox not found"),
        ("user_id=anna", 422, "Give event_code and user_id, or outbox_id."),
        ("outbox_id=seven", 404, "Outbox not found"),
    ],
)
def test_question_without_an_answer_says_what_is_wrong(
    console: Console, query: str, status: int, reason: str
) -> None:
    page = console("viewer").get(f"{WHY}?{query}")

    assert page.status_code == status
    assert reason in page.text


@pytest.mark.parametrize("path", [WHY, PREFERENCES, INBOX])
def test_page_about_people_begins_with_a_question(console: Console, path: str) -> None:
    page = console("viewer").get(path)

    assert page.status_code == 200
    assert 'class="card empty"' in page.text


def test_operator_changes_a_preference_and_a_viewer_reads_it(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    person = f"{PREFERENCES}?actor_type=TEACHER&user_id=anna"
    assert "these are the defaults" in console("operator").get(person).text

    saved = console("operator").post(PREFERENCES, data={**csrf, **PREFERENCE_FORM})

    assert saved.headers["Location"] == person
    (found,) = stored(container)
    assert (found.allow_sms, found.allow_email, found.preferred_lang) == (True, False, "sw")
    page = console("viewer").get(person).text
    assert "<dd>21:30</dd>" in page
    assert "<button>Save" not in page
    assert 'value="06:00"' in console("operator").get(person).text

    blank = {**PREFERENCE_FORM, "quiet_from": "", "quiet_until": ""}
    console("operator").post(PREFERENCES, data={**csrf, **blank})
    assert stored(container)[0].quiet_from is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time_zone": "Dodoma"}, "Not a time zone."),
        ({"quiet_until": "21:30"}, "Must differ from quiet_from."),
        ({"quiet_until": ""}, "are given both, or none"),
        ({"quiet_from": "9pm"}, "Must be a time of day, as 21:30."),
    ],
)
def test_preference_that_is_refused_is_shown_as_typed(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    change: dict[str, str],
    reason: str,
) -> None:
    page = console("operator").post(PREFERENCES, data={**csrf, **PREFERENCE_FORM, **change})

    assert page.status_code == 422
    assert reason in page.text
    assert 'value="sw"' in page.text
    assert stored(container) == []


def test_preference_of_an_unknown_actor_type_is_404(console: Console, csrf: dict[str, str]) -> None:
    page = console("viewer").get(f"{PREFERENCES}?actor_type=NOBODY&user_id=anna")
    assert (page.status_code, "Actor type not found" in page.text) == (404, True)

    forged = {**csrf, **PREFERENCE_FORM, "actor_type": "NOBODY"}
    assert console("operator").post(PREFERENCES, data=forged).status_code == 404


def test_inbox_shows_what_a_person_has_not_read(console: Console, client: Any) -> None:
    client.in_app("anna", title="Your licence", body="It is <ready>")
    client.in_app("anna", body="Long ago", is_read=True)
    client.in_app("ben", body="Not hers")

    page = console("viewer").get(f"{INBOX}?user_id=anna&unread=true").text

    assert "<strong>Your licence</strong><br>It is &lt;ready&gt;" in page
    assert "Long ago" not in page
    lines = console("viewer").get(f"{INBOX}?user_id=anna&format=csv").text
    assert "Long ago" in lines
    assert "Not hers" not in lines
    assert "Nothing has arrived" in console("viewer").get(f"{INBOX}?user_id=carl").text
