"""E-mails that say who they are from, where answers go, and how to get no more with one click."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from common.settings import SettingError
from flask import Flask
from flask.testing import FlaskClient
from notification.config import Settings
from notification.container import Container
from notification.models import ChannelCode, Event, OutboxMessage, Rule, Template
from notification.outbox.attempts import message_of
from notification.outbox.claiming import Job
from notification.transports import Message
from notification.transports.mail import BadMailError, Sender, compose
from notification.transports.smtp import SmtpTransport
from notification.unsubscribe.links import PATH, Links
from sqlalchemy import select

EVENT = "LICENCE_ISSUED"
SECRET = "a secret that nobody can guess at all"
LINKS = Links("https://hub.example.org", SECRET)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
ANNA = ("TSC/2019/00123", "TEACHER")


@pytest.fixture
def client(app: Flask, container: Container, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Somebody without credentials before an installation whose e-mails have links."""
    settings = replace(container.settings, public_url=LINKS.base, link_secret=SECRET)
    monkeypatch.setitem(app.extensions, "notification", replace(container, settings=settings))
    return app.test_client()


def path_of(link: str) -> str:
    return link.removeprefix(LINKS.base)


def mail_of(**changes: Any) -> dict[str, str]:
    """The fields of a mail, folded lines joined."""
    link = changes.pop("link", None)
    message = Message("key-1", ChannelCode.EMAIL, ("a@b.example",), "Leseni", "Habari", **changes)
    content = compose(message, Sender("sms@example.org", "Kiungo"), "a@b.example", NOW, link)
    header = re.sub(rb"\r\n(?=[ \t])", b"", content.partition(b"\r\n\r\n")[0]).decode()
    return dict(line.split(": ", 1) for line in header.split("\r\n"))


# The link


def test_a_link_says_nothing_of_the_person_and_is_read_here_only() -> None:
    link = LINKS.link(ANNA)
    token = link.removeprefix(f"{LINKS.base}{PATH}/").removesuffix("/")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert "TSC" not in link
    assert LINKS.person(token) == ANNA
    assert LINKS.link(ANNA) != link
    assert Links(LINKS.base, SECRET + "x").person(token) is None
    assert SECRET not in repr(LINKS)


@pytest.mark.parametrize("token", ["x", "", "é", "A" * 40, "a b", "=", "A" * 4000])
def test_a_forged_link_is_none(token: str) -> None:
    assert LINKS.person(token) is None


def test_a_changed_link_is_none() -> None:
    token = LINKS.link(ANNA).rstrip("/").rpartition("/")[2]
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        assert LINKS.person(token[:place] + other + token[place + 1 :]) is None


# The click


def test_one_click_of_a_mail_program_changes_the_preference(client: FlaskClient, api: Any) -> None:
    path = path_of(LINKS.link(ANNA))

    answer = client.post(path, data={"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    stored = api.get("preferences/TEACHER/TSC%2F2019%2F00123/").get_json()["data"]
    assert (stored["allow_email"], stored["allow_sms"], stored["allow_in_app"]) == (
        *(False, True, True),
    )
    assert client.post(path).status_code == 200  # again is as well


def test_looking_at_a_link_changes_nothing(client: FlaskClient, api: Any) -> None:
    page = client.get(path_of(LINKS.link(ANNA)))

    assert (page.status_code, '<form method="post">' in page.text) == (200, True)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (page.headers["Cache-Control"], "TSC" in page.text) == ("no-store", False)
    stored = api.get("preferences/TEACHER/TSC%2F2019%2F00123/").get_json()["data"]
    assert stored["is_default"]


def test_a_link_that_is_none_of_ours_is_404(client: FlaskClient, api: Any, app: Flask) -> None:
    for method in (client.get, client.post):
        assert method(f"{PATH}/forged/").status_code == 404
    unknown = path_of(LINKS.link(("anna", "MARTIAN")))
    assert client.post(unknown).status_code == 404


def test_without_an_address_there_are_no_links(app: Flask) -> None:
    assert app.test_client().post(path_of(LINKS.link(ANNA))).status_code == 404


# The header


def test_a_mail_with_a_link_can_be_unsubscribed_from_with_one_click() -> None:
    link = LINKS.link(ANNA)
    fields = mail_of(link=link)
    assert fields["List-Unsubscribe"] == f"<{link}>, <mailto:sms@example.org?subject=unsubscribe>"
    assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe-Post" not in mail_of()


def test_an_event_says_who_its_mails_are_from_and_where_answers_go() -> None:
    fields = mail_of(sender_name="Wizara ya Afya", reply_to="majibu@afya.example")
    assert fields["From"] == "Wizara ya Afya <sms@example.org>"
    assert fields["Reply-To"] == "majibu@afya.example"
    assert list(fields)[:3] == ["From", "Reply-To", "To"]
    assert mail_of()["From"] == "Kiungo <sms@example.org>"


@pytest.mark.parametrize(
    "changes", [{"sender_name": "A\r\nBcc: x@y.example"}, {"reply_to": "a@b.example\r\nBcc: x@y.z"}]
)
def test_what_is_no_name_or_address_does_not_leave(changes: dict[str, str]) -> None:
    with pytest.raises(BadMailError):
        mail_of(**changes)


def test_a_name_that_looks_like_a_header_is_text() -> None:
    fields = mail_of(sender_name="=?utf-8?q?A=0D=0ABcc:_x@y.example?=")
    assert "Bcc" not in fields
    assert fields["From"].endswith("<sms@example.org>")


# From the event to the mail


@pytest.fixture
def emitted(api: Any, container: Container) -> Iterator[list[OutboxMessage]]:
    """An e-mail and an SMS of an event that has a name and an address for answers."""
    mails = {"sender_name": "Wizara ya Afya", "reply_to": "majibu@afya.example"}
    assert api.patch(f"events/{EVENT}/", mails).get_json()["data"].items() >= mails.items()
    with container.database.writing() as session:
        rule = Rule(event_code=EVENT, recipient_policy="ALL", priority="NORMAL")
        session.add(rule)
        for channel in (ChannelCode.EMAIL, ChannelCode.SMS):
            words = {"event_code": EVENT, "language": "en", "body": "Habari", "version": 1}
            session.add(Template(channel=channel, **words))
    api.patch(f"rules/{rule.id}/", {"channels": ["EMAIL", "SMS"]})
    person = {"user_id": "anna", "actor_type": "TEACHER", "to_email": "a@b.example"}
    person["to_phone"] = "0712345678"
    assert api.post("emit/", {"event_code": EVENT, "recipients": [person]}).status_code == 201
    with container.database.reading() as session:
        yield list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.channel)))


def test_a_queued_mail_keeps_what_its_event_said(emitted: list[OutboxMessage]) -> None:
    mail, sms = emitted
    assert (mail.sender_name, mail.reply_to) == ("Wizara ya Afya", "majibu@afya.example")
    assert (sms.sender_name, sms.reply_to) == (None, None)
    leaving = message_of(Job.of(mail))
    assert (leaving.sender_name, leaving.person) == ("Wizara ya Afya", ("anna", "TEACHER"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reply_to": "nobody"}, "reply_to"),
        ({"reply_to": "a@b.example, c@d.example"}, "reply_to"),
        ({"sender_name": "A\nB"}, "sender_name"),
        ({"sender_name": "x" * 129}, "sender_name"),
    ],
)
def test_a_name_or_address_that_is_none_is_refused(
    api: Any, given: dict[str, str], field: str
) -> None:
    answer = api.patch(f"events/{EVENT}/", given)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_an_admin_sets_both_in_the_console(
    console: Callable[[str], FlaskClient], csrf: dict[str, str], container: Container
) -> None:
    page = f"/admin/notification/events/{EVENT}/"
    form = {**csrf, "module": "LICENCE", "when_unknown": "hold", "is_active": "true"}
    steps = [
        ("Afya", "a@b.example", 303, "Afya"),
        ("Afya", "nobody", 422, "Afya"),
        ("", "", 303, None),
    ]
    for name, address, status, stored in steps:
        typed = {**form, "sender_name": name, "reply_to": address}
        assert console("admin").post(page, data=typed).status_code == status
        with container.database.reading() as session:
            event = session.scalars(select(Event).where(Event.code == EVENT)).one()
        assert (event.sender_name, event.reply_to) == (stored, stored and "a@b.example")


# Settings


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"PUBLIC_URL": "https://hub.example.org"}, "LINK_SECRET"),
        ({"LINK_SECRET": SECRET}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "hub.example.org", "LINK_SECRET": SECRET}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://hub.example.org", "LINK_SECRET": "short"}, "LINK_SECRET"),
    ],
)
def test_links_need_an_address_and_a_long_secret(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    environ = {f"NOTIFICATION_{name}": value for name, value in given.items()}
    with pytest.raises(SettingError, match=f"NOTIFICATION_{missing}") as caught:
        Settings.read({"VAR_DIR": str(tmp_path), **environ})
    assert SECRET not in str(caught.value)


def test_the_mail_server_gets_the_link(tmp_path: Path) -> None:
    environ = {
        "VAR_DIR": str(tmp_path),
        "NOTIFICATION_PUBLIC_URL": "https://hub.example.org/",
        "NOTIFICATION_LINK_SECRET": SECRET,
        "NOTIFICATION_SMTP_HOST": "127.0.0.1",
        "NOTIFICATION_FROM_EMAIL": "sms@example.org",
    }
    settings = Settings.read(environ)
    links = SmtpTransport.of(settings).links
    assert links is not None
    assert links.link(ANNA).startswith(f"https://hub.example.org{PATH}/")
    assert SECRET not in repr(settings)
