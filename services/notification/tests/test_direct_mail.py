"""A service's own e-mail leaves at once, and nothing of it stays."""

import email
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from notification.config import Settings
from notification.container import Container
from notification.models import Base, ChannelCode
from notification.transports.build import build_transports
from one_database import on_one_database
from ports import unused_ports

LETTER = {"to": "amina@example.org", "subject": "A link", "body": "https://hub.example.org/x\n"}


class Server:
    """A mail server that says what it is told to."""

    def __init__(self) -> None:
        self.says = "250 OK"
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.says == "hang up":
            server.transport.abort()
        self.taken.append(envelope)
        return self.says


@pytest.fixture
def server(app: Flask, container: Container, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The one that the service's settings name."""
    handler, (port,) = Server(), unused_ports(1)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings = Settings(
        smtp_host="127.0.0.1", smtp_port=port, smtp_use_tls=False, from_email="hub@example.org"
    )
    changed = replace(container, transports=build_transports(settings))
    monkeypatch.setitem(app.extensions, "notification", changed)
    yield handler
    controller.stop()


@on_one_database()
def test_mail_leaves_at_once_and_is_kept_nowhere(
    api_with: Callable[[str], Any], server: Server, container: Container
) -> None:
    sent = api_with("notification:mail").post("mail/", LETTER)

    assert sent.get_json() == {"ok": True, "outcome": "sent", "reason": ""}
    (envelope,) = server.taken
    letter = email.message_from_bytes(envelope.content)
    assert (envelope.rcpt_tos, letter["Subject"]) == ([LETTER["to"]], "A link")
    with container.database.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        kept = repr([connection.execute(one.select()).all() for one in tables])
    assert not any(words.strip() in kept for words in LETTER.values())


@on_one_database()
@pytest.mark.parametrize(
    ("says", "to", "outcome"),
    [
        ("550 No", LETTER["to"], "not sent"),
        ("hang up", LETTER["to"], "unknown"),
        ("250 OK", "no address", "not sent"),
    ],
)
def test_each_outcome_is_told(
    api_with: Callable[[str], Any], server: Server, says: str, to: str, outcome: str
) -> None:
    server.says = says

    said = api_with("notification:mail").post("mail/", {**LETTER, "to": to}).get_json()

    assert (said["ok"], said["outcome"]) == (False, outcome)
    assert said["reason"]


@on_one_database()
def test_without_a_mail_server_it_says_so(api_with: Callable[[str], Any], container: Any) -> None:
    assert container.transports[ChannelCode.EMAIL].gates == ()

    said = api_with("notification:mail").post("mail/", LETTER).get_json()

    assert said["outcome"] == "not sent"
    assert "NOTIFICATION_SMTP_HOST" in said["reason"]


@on_one_database()
def test_no_other_scope_writes_to_anybody(api: Any, server: Server) -> None:
    assert api.post("mail/", LETTER).status_code == 403
    assert server.taken == []
