"""The service's part of the console as a whole: who may do what, and what no page shows."""

import html
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from common.clock import utc_now
from common.console.navigation import SECTIONS
from common.console.rights import BUILT_IN, StaffRole, right_of
from flask import Flask
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import (
    AddressFailure,
    Base,
    ChannelCode,
    DeliveryLog,
    MessageStatus,
    OutboxMessage,
    TransportState,
    Webhook,
)
from notification.transports.build import build_transports
from notification.transports.sms.settings import SmsSettings
from sqlalchemy import select, update

HOME = "/admin/notification/"
NOBODY = uuid.UUID(int=7)
WORDS = {"event_code": "LICENCE_ISSUED", "channel": "SMS", "language": "en", "body": "Hello"}
RULE = {"event_code": "LICENCE_ISSUED", "priority": "LOW", "channels": "SMS"}
RULE["recipient_policy"] = "ALL"
PREFERENCE_FORM = {
    "actor_type": "TEACHER",
    "user_id": "anna",
    "preferred_lang": "sw",
    "quiet_from": "",
    "quiet_until": "",
    "time_zone": "UTC",
}
WEBHOOK = {"user_id": "1", "actor_type": "TEACHER", "url": "https://example.org/hook"}
#: Every form: who may send it at least, where to, and with what.
FORMS: list[tuple[str, str, dict[str, str]]] = [
    ("admin", "events/new/", {"code": "NEW", "module": "CPD", "when_unknown": "hold"}),
    ("admin", "events/LICENCE_ISSUED/", {"module": "CPD", "when_unknown": "hold"}),
    ("admin", "rules/new/", RULE),
    ("admin", "rules/{rule}/", RULE),
    ("admin", "templates/new/", WORDS),
    ("admin", "templates/{template}/use/", {}),
    ("operator", "outbox/{message}/requeue/", {}),
    ("operator", "outbox/{message}/cancel/", {}),
    ("operator", "preferences/", PREFERENCE_FORM),
    ("operator", "transports/{channel}/{provider}/open/", {}),
    ("operator", "unreachable/{address}/try-again/", {}),
    ("admin", "webhooks/new/", WEBHOOK),
    ("admin", "webhooks/{webhook}/use/", {}),
]
#: Forms that only ask.
ASKING: list[tuple[str, str, dict[str, str]]] = [
    ("viewer", "templates/preview/", WORDS),
    ("viewer", "templates/preview/e-mail/", {**WORDS, "channel": "EMAIL", "subject": "Hello"}),
    ("operator", "e-mail/", {}),
    ("viewer", "find/", {"term": "anna"}),
]
#: What these change stands at the broker; see `test_console_letters.py`.
LETTERS = ["dead-letters/<>/replay/", "dead-letters/<>/drop/"]
#: These need a campaign that somebody else has written; see `test_console_campaigns.py`.
CAMPAIGN_ACTS = ("people", "dry-run", "approve", "rate", "pause", "resume", "stop")
CAMPAIGNS = ["campaigns/new/", *(f"campaigns/<>/{act}/" for act in CAMPAIGN_ACTS)]
ROLES = ["viewer", "operator", "admin"]
SECRET = "let nobody read this"

Console = Callable[[str], FlaskClient]


@pytest.fixture
def names(client: Any) -> dict[str, str]:
    """A rule, its words, a message that was refused, and a way that is closed."""
    rule, template = (
        client.rule(ChannelCode.SMS, ChannelCode.IN_APP),
        client.template(ChannelCode.SMS),
    )
    client.template(ChannelCode.IN_APP)
    client.emit("anna")
    message = next(one.id for one in client.queued() if one.channel is ChannelCode.SMS)
    failed = {"status": MessageStatus.FAILED, "is_final": True, "attempt_count": 1}
    with client.container.database.writing() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.id == message).values(**failed))
        session.add(DeliveryLog(outbox_id=message, attempt_no=1, status="failed_final"))
        now = utc_now()
        closed = {"closed_until": now, "closed_since": now, "closings": 1, "changed_at": now}
        failure = AddressFailure(
            user_id="anna",
            actor_type="TEACHER",
            channel=ChannelCode.SMS,
            address="+255712345678",
            failures=3,
            reason="ABSENT",
            last_at=now,
        )
        session.add(failure)
        session.flush()
        address = str(failure.id)
        webhook = Webhook(**{**WEBHOOK, "user_id": "anna"}, sealed_secret=b"sealed")
        session.add(webhook)
        session.flush()
        hook = str(webhook.id)
        session.add(
            TransportState(channel=ChannelCode.SMS, provider="beem", reason="no credit", **closed)
        )
    client.in_app("anna", outbox_id=message)
    client.prefers("anna")
    decision = {"channel": "SMS", "provider": "beem", "address": address, "webhook": hook}
    return {"rule": str(rule), "template": str(template), "message": str(message), **decision}


def everything(container: Container) -> dict[str, set[Any]]:
    """All that is stored."""
    with container.database.reading() as session:
        return {
            table.name: {str(row) for row in session.execute(select(table))}
            for table in Base.metadata.sorted_tables
        }


def refused_roles() -> list[tuple[str, str, dict[str, str]]]:
    return [
        (role, path, form) for least, path, form in FORMS for role in ROLES[: ROLES.index(least)]
    ]


@pytest.mark.parametrize(("role", "path", "form"), refused_roles())
def test_forged_form_of_a_lesser_role_changes_nothing(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    names: dict[str, str],
    role: str,
    path: str,
    form: dict[str, str],
) -> None:
    before = everything(container)

    answer = console(role).post(HOME + path.format(**names), data={**csrf, **form})

    assert answer.status_code == 403
    assert f"Your role ({role}) does not allow this." in answer.text
    assert everything(container) == before


@pytest.mark.parametrize(("role", "path", "form"), [*FORMS, *ASKING])
def test_form_needs_its_token_and_its_origin(
    console: Console,
    csrf: dict[str, str],
    container: Container,
    names: dict[str, str],
    role: str,
    path: str,
    form: dict[str, str],
) -> None:
    only_asks = (role, path, form) in ASKING
    browser, before, path = console(role), everything(container), HOME + path.format(**names)
    elsewhere = {"Origin": "https://evil.example"}

    assert browser.post(path, data=form).status_code == 403
    assert browser.post(path, data={**form, "csrf_token": "another's"}).status_code == 403
    assert browser.post(path, data={**csrf, **form}, headers=elsewhere).status_code == 403
    assert everything(container) == before
    assert browser.post(path, data={**csrf, **form}).status_code in {200, 303}
    assert (everything(container) == before) is only_asks


def test_no_form_is_left_out_of_these_tests(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    forms = {rule.rule for rule in rules if rule.rule.startswith(HOME)}

    tested = [re.sub(r"LICENCE_ISSUED|\{\w+\}", "<>", path) for _, path, _ in [*FORMS, *ASKING]]
    assert {re.sub("<.*?>", "<>", path) for path in forms} == {
        HOME + path for path in [*tested, *LETTERS, *CAMPAIGNS, "<>"]
    }


def test_stranger_is_sent_to_sign_in(app: Flask) -> None:
    for path in ("", "outbox/", "events/new/"):
        answer = app.test_client().get(HOME + path)
        assert (answer.status_code, answer.location.split("?")[0]) == (303, "/admin/login/")


@pytest.mark.parametrize("noun", ["events", "rules", "templates"])
def test_page_that_only_makes_things_is_the_admins(console: Console, noun: str) -> None:
    path = f"{HOME}{noun}/new/"

    assert [console(role).get(path).status_code for role in ROLES] == [403, 403, 200]
    assert path not in console("operator").get(f"{HOME}{noun}/").text
    assert path in console("admin").get(f"{HOME}{noun}/").text


@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_pages_lead_to_is_there_and_keeps_secrets(
    console: Console,
    app: Flask,
    container: Container,
    names: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    role: str,
) -> None:
    settings = replace(
        container.settings,
        smtp_host="mail.example",
        from_email="hub@mail.example",
        smtp_username="hub",
        smtp_password=SECRET,
        sms_providers=("generic",),
        sms=(SmsSettings(name="generic", url="https://sms.example/", token=SECRET),),
    )
    secretive = replace(container, settings=settings, transports=build_transports(settings))
    monkeypatch.setitem(app.extensions, "notification", secretive)
    section = next(one for one in SECTIONS if one.service == "notification")
    person = f"{HOME}preferences/?actor_type=TEACHER&user_id=anna"
    decisions = [f"{HOME}why/?event_code=LICENCE_ISSUED&user_id=anna", person]
    held = BUILT_IN[StaffRole(role)]
    open_to = {one.path for one in section.entries if right_of(one.role, section.area) in held}
    browser, seen, left = console(role), set(), {*decisions, *open_to}

    while left:
        path = left.pop()
        seen.add(path)
        with browser.get(path) as page:
            text = page.text
        assert page.status_code == 200, path
        assert SECRET not in text, path
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", text), path
        links = re.findall(r'href="([^"]+)"', text) if page.mimetype == "text/html" else []
        left |= {html.unescape(link) for link in links if link.startswith(HOME)} - seen

    assert {f"{HOME}outbox/{names['message']}/", f"{HOME}rules/{names['rule']}/"} <= seen
