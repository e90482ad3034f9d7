"""Templates in the console: written, taken out of use, shown as they will be sent."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from notification.console.previews import sample_context
from notification.container import Container
from notification.models import ChannelCode, Template
from sqlalchemy import select

LIST = "/admin/notification/templates/"
NEW, PREVIEW = f"{LIST}new/", f"{LIST}preview/"
SMS = ChannelCode.SMS
WORDS = {
    "event_code": "LICENCE_ISSUED",
    "channel": "SMS",
    "language": "sw",
    "body": "Habari {name}",
}

Console = Callable[[str], FlaskClient]


def versions(container: Container) -> list[tuple[str, int, str, bool]]:
    with container.database.reading() as session:
        found = session.scalars(select(Template).order_by(Template.language, Template.version))
        return [(one.language, one.version, one.body, one.is_active) for one in found]


def test_words_are_written_and_the_next_version_takes_their_place(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    browser = console("admin")
    first = browser.post(NEW, data={**csrf, **WORDS, "is_active": "true"})
    page = browser.get(first.headers["Location"]).text
    assert "Version 1 is stored." in page
    assert "Habari {name}</textarea>" in page

    changed = {**WORDS, "body": "Hujambo\r\n{name}", "is_active": "true"}
    assert browser.post(NEW, data={**csrf, **changed}).status_code == 303

    assert versions(container) == [
        *[("sw", 1, "Habari {name}", False), ("sw", 2, "Hujambo\n{name}", True)]
    ]


def test_version_is_taken_out_of_use_and_back(
    console: Console, csrf: dict[str, str], container: Container, client: Any
) -> None:
    page = f"{LIST}{client.template(SMS)}/"
    browser = console("admin")

    assert browser.post(f"{page}use/", data=csrf).headers["Location"] == page
    assert versions(container) == [("en", 1, "Hello", False)]
    assert "Take into use" in browser.get(page).text
    browser.post(f"{page}use/", data={**csrf, "is_active": "true"})
    assert versions(container) == [("en", 1, "Hello", True)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": "Hello {name"}, "has no partner"),
        ({"body": ""}, "Length must be between 1"),
        ({"language": "swahili!"}, "Must be a language"),
        ({"event_code": "NOTHING"}, "Unknown code: NOTHING"),
    ],
)
def test_words_that_are_refused_are_shown_as_typed(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    change: dict[str, str],
    reason: str,
) -> None:
    form = {**csrf, **WORDS, "subject": "A licence", "context": '{"name": "Asha"}', **change}

    page = console("admin").post(NEW, data=form)

    assert page.status_code == 422
    assert reason in page.text
    assert 'value="A licence"' in page.text
    assert "&#34;Asha&#34;}</textarea>" in page.text
    assert versions(container) == []


def test_preview_shows_all_languages_side_by_side(
    console: Console, csrf: dict[str, str], client: Any
) -> None:
    client.template(SMS, "Hello {name} on {date}")
    client.template(SMS, "Bonjour {name}", language="fr")
    client.template(ChannelCode.EMAIL, "Another channel", language="de")
    form = {**csrf, **WORDS, "body": "Hābari {name} 😀" + "x" * 60, "context": '{"name": "Asha"}'}

    page = console("viewer").post(PREVIEW, data=form).text

    assert page.index("sw, as typed") < page.index("en, version 1") < page.index("fr, version 1")
    assert "Hābari Asha" in page
    assert "UCS-2, 2 segments; because of ā😀" in page
    assert "missing</span> date" in page
    assert "Bonjour Asha" in page
    assert "GSM-7, 1 segment<" in page
    assert "Another channel" not in page


def test_preview_of_half_a_form_shows_what_there_is(console: Console, csrf: dict[str, str]) -> None:
    browser = console("viewer")

    begun = browser.post(PREVIEW, data={**csrf, "body": "Hello {name", "context": "{}"})
    broken = browser.post(PREVIEW, data={**csrf, **WORDS, "context": "{oops"})

    assert (begun.status_code, broken.status_code) == (200, 200)
    assert "no language yet, as typed" in begun.text
    assert "has no partner" in begun.text
    assert "Context: This is not JSON" in broken.text


def test_page_of_a_version_previews_it_with_a_context_of_its_placeholders(
    console: Console, client: Any
) -> None:
    words = client.template(SMS, "Pay {order.total} <b>{name}</b>")

    page = console("viewer").get(f"{LIST}{words}/").text

    assert "Pay total &lt;b&gt;name&lt;/b&gt;</pre>" in page
    assert '"order": {' in html.unescape(page)
    assert 'readonly="readonly"' in page
    assert "Store as a new version" not in page


def test_sample_context_bears_a_name_that_is_a_value_and_an_object() -> None:
    texts = ["{a} {b.c}", "{a.b} {b}", "{b.d.e}"]
    made = [Template(subject="", body=text) for text in texts]

    assert sample_context(made) == {"a": "a", "b": {"c": "c", "d": {"e": "e"}}}


def test_templates_are_listed_and_downloaded_by_language(console: Console, client: Any) -> None:
    client.template(SMS, "=cmd()", language="sw")
    client.template(SMS, "Hello")

    assert "Hello" not in console("viewer").get(f"{LIST}?language=SW&channel=SMS").text
    lines = console("viewer").get(f"{LIST}?language=sw&format=csv").text.splitlines()
    assert len(lines) == 2
    assert "'=cmd()" in lines[1]
