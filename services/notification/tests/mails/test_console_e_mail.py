"""E-mails in the console: written in Markdown, shown in a frame where nothing runs or loads."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import ChannelCode, Template
from sqlalchemy import select

EMAIL = ChannelCode.EMAIL
LIST = "/admin/notification/templates/"
PREVIEW = f"{LIST}preview/e-mail/"
WORDS = {
    "event_code": "LICENCE_ISSUED",
    "channel": "EMAIL",
    "language": "sw",
    "subject": "Leseni",
    "body": "# Habari {name}",
    "is_markdown": "true",
}

Console = Callable[[str], FlaskClient]


def is_framed(answer: Any) -> bool:
    """Only a page of ours may show it, and in it nothing runs, loads or is sent."""
    policy = answer.headers["Content-Security-Policy"].split("; ")
    wanted = {"sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "form-action 'none'"}
    is_ours = "frame-ancestors 'self'" in policy
    return wanted <= set(policy) and is_ours and answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_markdown_is_stored_and_shown_again(
    console: Console, csrf: dict[str, str], container: Container
) -> None:
    browser = console("admin")
    made = browser.post(f"{LIST}new/", data={**csrf, **WORDS, "is_active": "true"})
    page = browser.get(made.headers["Location"]).text
    with container.database.reading() as session:
        (template,) = session.scalars(select(Template))
    assert template.is_markdown
    assert f'src="{LIST}{template.id}/e-mail/"' in page
    assert '<iframe name="e-mail" sandbox' in page
    # The text part stands beside it, as it is sent.
    assert "Habari name\n===========</pre>" in page


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"channel": "SMS"}, "Only e-mails are written in Markdown."),
        ({"body": "[x](/path)"}, "needs a whole address"),
    ],
)
def test_markdown_that_cannot_be_sent_is_refused(
    console: Console, csrf: dict[str, str], api: Any, change: dict[str, str], reason: str
) -> None:
    refused = console("admin").post(f"{LIST}new/", data={**csrf, **WORDS, **change})
    assert (refused.status_code, reason in refused.text) == (422, True)
    answer = api.post("templates/", {**WORDS, "is_markdown": True, **change})
    assert (answer.status_code, reason in answer.text) == (422, True)


def test_a_changed_template_keeps_that_it_is_markdown(api: Any) -> None:
    first = api.post("templates/", {**WORDS, "is_markdown": True}).get_json()["data"]
    second = api.patch(f"templates/{first['id']}/", {"body": "**x**"}).get_json()["data"]
    assert (second["version"], second["is_markdown"]) == (2, True)
    third = api.patch(f"templates/{second['id']}/", {"is_markdown": False}).get_json()["data"]
    assert (third["version"], third["is_markdown"]) == (3, False)


def test_the_e_mail_as_typed_is_shown_in_a_frame(console: Console, csrf: dict[str, str]) -> None:
    form = {**csrf, **WORDS, "context": '{"name": "<script>alert(1)</script>"}'}
    answer = console("viewer").post(PREVIEW, data=form)
    assert is_framed(answer)
    assert "<h1 style=" in answer.text
    assert "&lt;script&gt;" in answer.text
    plain = console("viewer").post(PREVIEW, data={**form, "is_markdown": ""})
    assert (is_framed(plain), "plain text" in plain.text) == (True, True)
    assert (
        "frame-ancestors 'none'" in console("viewer").get(LIST).headers["Content-Security-Policy"]
    )


def test_a_preview_by_the_api_has_both(api: Any) -> None:
    given = {"channel": "EMAIL", "body": WORDS["body"], "is_markdown": True}
    found = api.post("templates/preview/", {**given, "context": {"name": "Asha"}}).get_json()[
        "data"
    ]
    assert found["body"] == "Habari Asha\n==========="
    assert "Habari Asha</h1>" in found["html"]


def test_a_message_shows_its_page_and_its_files(
    console: Console, office: Any, house: Callable[..., Any]
) -> None:
    house(mail_name="Wizara ya Afya")
    office.rule(EMAIL)
    office.template(EMAIL, WORDS["body"], is_markdown=True)
    file = {"name": "a.pdf", "media_type": "application/pdf", "content": "eA=="}
    person = {"user_id": "anna", "actor_type": "TEACHER", "to_email": "a@b.example"}
    office.emit(person, context={"name": "Asha"}, attachments=[file])
    (row,) = office.queued()
    page = console("viewer").get(f"/admin/notification/outbox/{row.id}/").text
    assert f'src="/admin/notification/outbox/{row.id}/e-mail/"' in page
    assert "a.pdf" in page
    shown = console("viewer").get(f"/admin/notification/outbox/{row.id}/e-mail/")
    assert is_framed(shown)
    assert "Wizara ya Afya" in shown.text


def test_a_message_without_a_page_has_none(console: Console, office: Any) -> None:
    office.rule(EMAIL)
    office.template(EMAIL, "Habari")
    office.emit({"user_id": "anna", "actor_type": "TEACHER", "to_email": "a@b.example"})
    (row,) = office.queued()
    answer = console("viewer").get(f"/admin/notification/outbox/{row.id}/e-mail/")
    assert answer.status_code == 404
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
