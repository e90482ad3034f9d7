"""Events and rules in the console: listed, made, changed, taken out of use."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import ChannelCode, Event, Rule
from sqlalchemy import select

HOME = "/admin/notification/"
EVENTS, RULES = f"{HOME}events/", f"{HOME}rules/"
EVENT = {"code": "BED_FREE", "module": "CPD", "when_unknown": "resend", "is_active": "true"}
RULE = {
    "event_code": "LICENCE_ISSUED",
    "recipient_policy": "ALL",
    "priority": "HIGH",
    "channels": ["SMS", "EMAIL"],
}

Console = Callable[[str], FlaskClient]


def stored(container: Container, model: type[Any], **wanted: Any) -> list[Any]:
    with container.database.reading() as session:
        return list(session.scalars(select(model).filter_by(**wanted)))


def test_events_are_listed_by_module_and_use(console: Console) -> None:
    page = console("viewer").get(f"{EVENTS}?module=LICENCE&active=true")

    assert page.status_code == 200
    shown = re.findall(r'<td class="whole"><a [^>]*href="[^"]*/(\w+)/"', page.text)
    assert sorted(shown) == ["LICENCE_EXPIRING_SOON", "LICENCE_ISSUED"]
    assert "New event" not in page.text
    assert console("viewer").get(f"{EVENTS}?active=perhaps").status_code == 422


def test_events_are_downloaded(console: Console) -> None:
    lines = console("viewer").get(f"{EVENTS}?module=UAA&format=csv").text.splitlines()

    firsts = [line.split(",")[0] for line in lines]
    assert firsts == ['\ufeff"Code"', '"ACCOUNT_ROLE_CHANGED"']


def test_event_is_made_and_then_taken_out_of_use(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    browser = console("admin")
    schema = {"context_schema": '{"type": "object"}', "description": "One\r\nTwo"}

    made = browser.post(f"{EVENTS}new/", data={**csrf, **EVENT, **schema})

    assert made.headers["Location"] == f"{EVENTS}BED_FREE/"
    page = browser.get(made.headers["Location"]).text
    assert "The event is in the catalogue" in page
    assert "&#34;type&#34;: &#34;object&#34;" in page
    (event,) = stored(container, Event, code="BED_FREE")
    assert (event.context_schema, event.description) == ({"type": "object"}, "One\nTwo")

    changed = {"module": "CPD", "when_unknown": "hold", "context_schema": "  "}
    assert browser.post(made.headers["Location"], data={**csrf, **changed}).status_code == 303
    (event,) = stored(container, Event, code="BED_FREE")
    assert (event.is_active, event.when_unknown, event.context_schema) == (False, "hold", None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": "LICENCE_ISSUED"}, "Another event has this code."),
        ({"code": "a b"}, "Must be letters, digits"),
        ({"module": "NOWHERE"}, "Unknown code: NOWHERE"),
        ({"context_schema": "{"}, "This is not JSON"),
        ({"context_schema": "[]"}, "Not a valid mapping"),
        ({"context_schema": '{"type": "dog"}'}, "Not a JSON Schema"),
    ],
)
def test_event_that_is_refused_is_shown_as_typed_with_the_reason(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    change: dict[str, str],
    reason: str,
) -> None:
    before = len(stored(container, Event))
    form = {**csrf, **EVENT, "description": "A bed is free", **change}

    page = console("admin").post(f"{EVENTS}new/", data=form)

    assert page.status_code == 422
    assert reason in page.text
    assert "A bed is free</textarea>" in page.text
    assert len(stored(container, Event)) == before


def test_change_that_is_refused_leaves_the_event_as_it_was(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    page = console("admin").post(
        f"{EVENTS}LICENCE_ISSUED/", data={**csrf, "module": "NOWHERE", "description": "Other"}
    )

    assert page.status_code == 422
    assert "Unknown code: NOWHERE" in page.text
    (event,) = stored(container, Event, code="LICENCE_ISSUED")
    assert (event.module, event.is_active) == ("LICENCE", True)


def test_event_shows_its_rules_and_its_words(console: Console, client: Any) -> None:
    rule, words = client.rule(ChannelCode.SMS), client.template(ChannelCode.SMS, language="sw")

    page = console("viewer").get(f"{EVENTS}LICENCE_ISSUED/").text

    assert f'<a href="{RULES}{rule}/">everyone, NORMAL</a> over SMS' in page
    assert f'<a href="{HOME}templates/{words}/">SMS, sw</a>' in page
    assert "Change the event" not in page
    assert console("viewer").get(f"{EVENTS}NOTHING/").status_code == 404


def test_rule_is_made_with_its_channels_and_changed(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    browser = console("admin")

    made = browser.post(f"{RULES}new/", data={**csrf, **RULE, "is_active": "true"})

    page = browser.get(made.headers["Location"]).text
    assert 'value="EMAIL" checked' in page
    assert 'value="IN_APP">' in page
    change = {"recipient_policy": "STAFF", "priority": "LOW", "channels": "IN_APP"}
    assert browser.post(made.headers["Location"], data={**csrf, **change}).status_code == 303
    (rule,) = stored(container, Rule)
    assert (rule.recipient_policy, rule.priority, rule.is_active) == ("STAFF", "LOW", False)
    assert [one.channel for one in rule.channels] == [ChannelCode.IN_APP]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_code": "NOTHING"}, "Unknown code: NOTHING"),
        ({"recipient_policy": "NOBODY"}, "Unknown code: NOBODY"),
        ({"recipient_policy": ""}, "Say whom it is for"),
        ({"priority": "SOON"}, "Unknown code: SOON"),
        ({"channels": "FAX"}, "Must be one of"),
    ],
)
def test_rule_that_is_refused_says_why(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    change: dict[str, str],
    reason: str,
) -> None:
    page = console("admin").post(f"{RULES}new/", data={**csrf, **RULE, **change})

    assert page.status_code == 422
    assert reason in page.text
    assert stored(container, Rule) == []


def test_rules_are_listed_by_event(console: Console, client: Any) -> None:
    meant = client.rule(ChannelCode.SMS, recipient_policy="STAFF")
    other = client.rule(ChannelCode.SMS, event_code="PAYMENT_CONFIRMED")

    page = console("viewer").get(f"{RULES}?event_code=LICENCE_ISSUED").text

    assert f'<a href="{RULES}{meant}/">STAFF</a>' in page
    assert str(other) not in page


def test_list_of_rules_says_what_to_do_before_there_are_any(console: Console) -> None:
    assert "No rule yet" in console("viewer").get(RULES).text
    assert "Clear the filters" in console("viewer").get(f"{RULES}?active=true").text
