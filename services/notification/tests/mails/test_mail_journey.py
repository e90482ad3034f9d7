"""From an event to a real mail server, and what comes back of it."""

import base64
import email
import email.policy
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id_at
from notification.container import Container
from notification.models import (
    AddressFailure,
    ChannelCode,
    DeliveryLog,
    OutboxMessage,
    StoredAttachment,
)
from notification.retention import keep_bounded
from sqlalchemy import delete, func, select, update

EVENT = "LICENCE_ISSUED"
EMAIL, SMS = ChannelCode.EMAIL, ChannelCode.SMS
SECRET = {"X-Receipt-Secret": "a secret that nobody can guess at all"}
PDF = {
    "name": "../Leseni «A».pdf",
    "media_type": "application/pdf",
    "content": base64.b64encode(b"%PDF-1.7 x" * 50).decode(),
}
REPORTS = "/api/notification/mail-reports/"


@pytest.fixture
def letters(office: Any) -> Any:
    """An event with a rule over e-mail and SMS, its e-mail in Markdown."""
    office.rule(EMAIL, SMS)
    office.template(
        EMAIL, "# Habari {name}\n\n[Leseni](https://hub.example/{no})", is_markdown=True
    )
    office.template(SMS, "Habari {name}")
    return office


def person(user_id: str = "anna", **changes: Any) -> dict[str, Any]:
    given = {"to_email": f"{user_id}@b.example", "to_phone": "0712345678", **changes}
    return {"user_id": user_id, "actor_type": "TEACHER", **given}


CONTEXT = {"name": "<b>Asha</b> [x](https://evil.example)", "no": "A/1"}


def read(envelope: Any) -> Any:
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def outbox(container: Container) -> list[OutboxMessage]:
    with container.database.reading() as session:
        mails = select(OutboxMessage).where(OutboxMessage.channel == EMAIL)
        return list(session.scalars(mails.order_by(OutboxMessage.id)))


def failures(container: Container) -> dict[str, int]:
    with container.database.reading() as session:
        return {one.address: one.failures for one in session.scalars(select(AddressFailure))}


# Out


def test_a_letter_arrives_as_text_as_a_page_and_with_its_file(
    house: Callable[..., Any], letters: Any, mail_server: Any, container: Container
) -> None:
    sender = house(mail_name="Wizara ya Afya", mail_footer="Dodoma")
    letters.emit(person(), context=CONTEXT, attachments=[PDF])

    assert [one.status for one in sender.send()] == ["SENT"]

    (envelope,) = mail_server.taken
    found = read(envelope)
    text, page = found.get_body(("plain",)), found.get_body(("html",))
    name = CONTEXT["name"]
    assert text.get_content().startswith(f"Habari {name}\r\n====")
    assert "Leseni <https://hub.example/A%2F1>" in text.get_content()
    assert "&lt;b&gt;Asha&lt;/b&gt; [x](https://evil.example)</h1>" in page.get_content()
    assert page.get_content().count("<a ") == 1
    assert "Wizara ya Afya" in page.get_content()
    (file,) = found.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Leseni «A».pdf", b"%PDF-1.7 x" * 50)
    (row,) = outbox(container)
    assert envelope.mail_from == sender.container.settings.return_paths.address(row.id, 1)
    assert "Return-Path" not in found


def test_a_file_is_kept_once_for_all_and_goes_with_them(
    house: Callable[..., Any], letters: Any, mail_server: Any, container: Container
) -> None:
    sender = house()
    people = [person(f"p{number}") for number in range(12)]
    letters.emit(*people, context=CONTEXT, attachments=[PDF, {**PDF, "name": "b.pdf"}])
    assert (len(sender.send()), files(container)) == (12, 2)
    assert all(len(list(read(one).iter_attachments())) == 2 for one in mail_server.taken)
    keep_bounded(container.database, container.settings)
    assert files(container) == 2
    aged(container)
    keep_bounded(container.database, container.settings)
    assert files(container) == 0
    assert {(one.html, one.body, one.attachment_set) for one in outbox(container)} == {(None,) * 3}


def test_a_file_waits_for_a_message_that_waits(
    house: Callable[..., Any], letters: Any, container: Container
) -> None:
    house()
    letters.emit(person(), context=CONTEXT, attachments=[PDF])
    aged(container)
    keep_bounded(container.database, container.settings)
    assert files(container) == 1


def files(container: Container) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(StoredAttachment)) or 0


def aged(container: Container) -> None:
    """Everything was long ago."""
    then = utc_now().replace(year=utc_now().year - 1)
    with container.database.writing() as session:
        session.execute(delete(DeliveryLog))
        for (id_,) in session.execute(select(OutboxMessage.id)).all():
            row = update(OutboxMessage).where(OutboxMessage.id == id_)
            session.execute(row.values(id=new_id_at(then)))
        session.execute(update(StoredAttachment).values(created_at=then))


def test_files_go_with_e_mails_only(letters: Any, container: Container) -> None:
    letters.emit(person(to_email=None), person("asha"), context=CONTEXT, attachments=[PDF])
    by_channel = {(one.channel, one.attachment_set is None) for one in letters.queued()}
    assert by_channel == {(EMAIL, False), (SMS, True)}


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({**PDF, "media_type": "text/html"}, "attachments"),
        ({**PDF, "media_type": "pdf"}, "media_type"),
        ({**PDF, "content": "no base64!"}, "content"),
        ({**PDF, "name": "../"}, "name"),
        ({**PDF, "content": base64.b64encode(b"x" * 5_000_001).decode()}, "attachments"),
        ({"name": "a.pdf"}, "content"),
    ],
    ids=["type", "no-type", "base64", "path", "size", "missing"],
)
def test_a_file_that_cannot_go_is_refused(
    letters: Any, api: Any, file: dict[str, str], field: str
) -> None:
    body = {"event_code": EVENT, "context": CONTEXT, "recipients": [person()]}
    answer = api.post("emit/", {**body, "attachments": [file]})
    assert (answer.status_code, "attachments" in answer.get_json()["errors"]) == (422, True)
    assert field in json.dumps(answer.get_json()["errors"])
    assert not letters.queued()


def test_more_files_than_ten_are_refused(letters: Any, api: Any) -> None:
    body = {"event_code": EVENT, "context": CONTEXT, "recipients": [person()]}
    assert api.post("emit/", {**body, "attachments": [PDF] * 11}).status_code == 422


def test_a_key_with_another_file_is_another_event(letters: Any) -> None:
    first = {"context": CONTEXT, "idempotency_key": "k1", "attachments": [PDF]}
    letters.emit(person(), **first)
    assert letters.emit(person(), **first)["queued_count"] == 0
    letters.emit(person(), **{**first, "attachments": [{**PDF, "name": "b.pdf"}]}, status=422)
    letters.emit(person(), **{**first, "attachments": []}, status=422)


# Back


@pytest.fixture
def sent(
    house: Callable[..., Any], letters: Any, mail_server: Any, container: Container
) -> tuple[Any, str]:
    """The installation, and the return path of a mail that a server took."""
    sender = house()
    letters.emit(person(), context=CONTEXT)
    sender.send()
    return sender, mail_server.taken[0].mail_from


def dsn(to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; anna@b.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n--b--\r\n"
    ).encode()


def arf(path: str) -> bytes:
    return (
        "From: fbl@mx.example\r\nTo: abuse@example.org\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSpam.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        f"User-Agent: FBL/1\r\nVersion: 1\r\nOriginal-Mail-From: <{path}>\r\n\r\n--b--\r\n"
    ).encode()


def report(api: Any, mail: bytes, headers: Any = SECRET, **options: Any) -> Any:
    options.setdefault("content_type", "message/rfc822")
    return api.client.post(REPORTS, data=mail, headers=headers, **options)


def moved(answer: Any) -> int:
    assert answer.status_code == 200, answer.get_json()
    return int(answer.get_json()["moved"])


@pytest.mark.parametrize(("status", "counted"), [("5.1.1", 1), ("5.7.1", 0), ("4.4.7", 0)])
def test_a_failure_moves_its_message_and_counts_where_nobody_is(
    sent: Any, api: Any, container: Container, status: str, counted: int
) -> None:
    assert moved(report(api, dsn(sent[1], status))) == 1
    (row,) = outbox(container)
    assert (row.status, row.is_final, row.last_error) == ("FAILED", True, f"bounced ({status})")
    assert failures(container).get("anna@b.example", 0) == counted
    assert moved(report(api, dsn(sent[1], status))) == 0  # again says nothing new


def test_after_so_many_failures_no_mail_goes_there(
    sent: Any, letters: Any, api: Any, mail_server: Any
) -> None:
    for _ in range(2):
        report(api, dsn(mail_server.taken[-1].mail_from))
        letters.emit(person(), context=CONTEXT)
        sent[0].send()
    report(api, dsn(mail_server.taken[-1].mail_from))
    reasons = [one["reason"] for one in letters.emit(person(), context=CONTEXT)["skipped"]]
    assert reasons == ["Unreachable: failed for good 3 times"]


def test_a_delay_moves_nothing_and_a_delivery_does(
    sent: Any, api: Any, container: Container
) -> None:
    assert moved(report(api, dsn(sent[1], "4.4.1", "delayed"))) == 0
    assert outbox(container)[0].status == "SENT"
    assert moved(report(api, dsn(sent[1], "2.0.0", "delivered"))) == 1
    assert outbox(container)[0].status == "DELIVERED"


def test_a_complaint_works_as_the_click_that_unsubscribes(
    sent: Any, api: Any, letters: Any, container: Container
) -> None:
    assert moved(report(api, arf(sent[1]))) == 1
    stored = api.get("preferences/TEACHER/anna/").get_json()["data"]
    assert (stored["allow_email"], stored["allow_sms"]) == (False, True)
    (entry,) = api.get(f"outbox/{outbox(container)[0].id}/delivery-logs/").get_json()["data"]
    assert entry["response_payload"]["complaint"] == "abuse"
    assert moved(report(api, arf(sent[1]))) == 0
    reasons = [one["reason"] for one in letters.emit(person(), context=CONTEXT)["skipped"]]
    assert reasons == ["Blocked by user preference"]


def test_a_failure_of_an_earlier_attempt_says_nothing_of_this_one(
    sent: Any, api: Any, mail_server: Any, container: Container
) -> None:
    report(api, dsn(sent[1]))
    assert api.post(f"outbox/{outbox(container)[0].id}/requeue/").status_code == 200
    sent[0].send()
    assert mail_server.taken[1].mail_from != sent[1]
    assert moved(report(api, dsn(sent[1]))) == 0
    assert outbox(container)[0].status == "SENT"
    assert moved(report(api, dsn(mail_server.taken[1].mail_from))) == 1


def test_what_proves_nothing_changes_nothing(
    sent: Any, api: Any, container: Container, app: Any
) -> None:
    forged = sent[0].container.settings.return_paths.address(uuid.uuid4(), 1)
    other = sent[1].replace("bounce-", "bounce-a")
    for mail in (
        dsn(forged),
        dsn(other),
        dsn("anna@b.example"),
        arf(other),
        b"Subject: hi\r\n\r\n",
    ):
        answer = report(api, mail)
        assert (moved(answer), answer.get_json()["foreign"]) == (0, 1)
    for headers in ({}, {"X-Receipt-Secret": "x"}, {"Authorization": "Basic eDp5"}):
        assert report(api, dsn(sent[1]), headers).status_code == 401
    assert outbox(container)[0].status == "SENT"
    assert api.get("preferences/TEACHER/anna/").get_json()["data"]["is_default"]
    assert not failures(container)


def test_a_mail_server_says_whom_it_was_brought_to(sent: Any, api: Any) -> None:
    headers = {**SECRET, "X-Envelope-To": sent[1]}
    assert moved(report(api, dsn("undisclosed"), headers)) == 1


def test_a_providers_hook_may_report_instead(sent: Any, api: Any) -> None:
    hook = json.dumps({"kind": "bounce", "return_path": sent[1], "status": "5.1.1"}).encode()
    secret = base64.b64encode(b"x:" + SECRET["X-Receipt-Secret"].encode()).decode()
    basic = {"Authorization": f"Basic {secret}"}
    assert moved(report(api, hook, basic, content_type="application/json")) == 1


def test_a_report_that_is_early_is_welcome_again(sent: Any, api: Any, container: Container) -> None:
    with container.database.writing() as session:
        session.execute(
            update(OutboxMessage).where(OutboxMessage.channel == EMAIL).values(status="SENDING")
        )
    assert report(api, dsn(sent[1])).status_code == 503


def test_without_a_domain_for_bounces_none_are_taken(api: Any) -> None:
    assert report(api, dsn("x@y.example")).status_code == 404
