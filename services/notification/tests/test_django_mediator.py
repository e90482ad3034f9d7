"""The Django mediator's rules, words and messages move in: once, and nothing is sent twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django_mediator_schema as old
import pytest
import sqlalchemy as sa
from click.testing import Result
from common.importing.source import Source
from flask import Flask
from notification.container import Container
from notification.django_mediator import messages
from notification.django_mediator.command import bring_all
from notification.emit.emitting import Emitter
from notification.emit.event import Emission, Recipient
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    Event,
    InAppMessage,
    MessageStatus,
    OutboxMessage,
    Preference,
    Priority,
    Rule,
    Template,
)
from sqlalchemy import func, select

NOW = datetime.now(UTC).replace(microsecond=0)
CODES = {
    "module": ["REGISTRATION", "EXAMS"],
    "channel": ["SMS", "EMAIL", "IN_APP", "PIGEON"],
    "status": ["QUEUED", "SENDING", "SENT", "DELIVERED", "FAILED", "CANCELLED"],
    "priority": ["NORMAL", "CRITICAL"],
    "actor_type": ["TEACHER", "PARENT"],
}


def old_engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


@pytest.fixture
def mediator_url(app: Flask, container: Container, tmp_path: Path) -> Iterator[str]:
    """An empty database of the mediator, on the same kind of database as ours."""
    override = container.settings.database_url_override
    url = override or f"sqlite:///{tmp_path / 'mediator.sqlite3'}"
    engine = old_engine(url)
    old.METADATA.drop_all(engine)
    old.METADATA.create_all(engine)
    yield url
    old.METADATA.drop_all(engine)
    engine.dispose()


@pytest.fixture
def put(mediator_url: str) -> Callable[..., None]:
    """Puts rows into the mediator's tables."""

    def put_rows(table: sa.Table, *rows: dict[str, Any]) -> None:
        engine = old_engine(mediator_url)
        old.put(engine, table, *rows)
        engine.dispose()

    return put_rows


@pytest.fixture
def change(mediator_url: str) -> Callable[..., None]:
    """Changes a row of the mediator."""

    def change_row(table: sa.Table, id_: int, **values: Any) -> None:
        engine = old_engine(mediator_url)
        with engine.begin() as connection:
            connection.execute(sa.update(table).where(table.c.id == id_).values(**values))
        engine.dispose()

    return change_row


def id_of(vocabulary: str, code: str) -> int:
    return CODES[vocabulary].index(code) + 11


def a_message(id_: int, status: str = "QUEUED", **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "event_code": "EXAM_PASSED",
        "channel_id": id_of("channel", "SMS"),
        "priority_id": id_of("priority", "CRITICAL"),
        "status_id": id_of("status", status),
        "recipient_user_id": 2001,
        "recipient_actor_type_id": id_of("actor_type", "PARENT"),
        "subject": "",
        "body": "Asha has passed",
        "to_phone": "0712 345 678",
        "to_email": "",
        "entity_type": "exam",
        "entity_id": "17",
        "payload": {"n": 1},
        "attempt_count": 0,
        "max_attempts": 5,
        "next_attempt_at": NOW - timedelta(minutes=5),
        "last_error": "",
        "idempotency_key": f"key-{id_}",
        "created_at": NOW - timedelta(minutes=30) + timedelta(seconds=id_),
        **changes,
    }


@pytest.fixture
def filled(put: Callable[..., None]) -> None:
    """Some of everything."""
    for vocabulary, codes in CODES.items():
        more = {"weight": 75} if vocabulary == "priority" else {}
        put(
            old.LOOKUPS[vocabulary],
            *({"id": id_of(vocabulary, code), "code": code, "name": f"Their {code}",
               "is_active": True, **more} for code in codes),
        )  # fmt: skip
    put(
        old.EVENT,
        {"id": 1, "code": "EXAM_PASSED", "description": "Passed", "is_active": True,
         "module_id": id_of("module", "EXAMS"), "created_at": NOW},
        {"id": 2, "code": "BAD CODE", "description": "", "is_active": True,
         "module_id": id_of("module", "EXAMS"), "created_at": NOW},
    )  # fmt: skip
    words = {"event_code": "EXAM_PASSED", "language": "en", "subject": "", "is_active": True,
             "body": "{name} has passed", "created_at": NOW}  # fmt: skip
    put(
        old.TEMPLATE,
        {**words, "id": 1, "channel_id": id_of("channel", "SMS"), "version": 3},
        {**words, "id": 2, "channel_id": id_of("channel", "PIGEON"), "version": 1},
        {**words, "id": 3, "channel_id": id_of("channel", "EMAIL"), "version": 1, "body": "{0!r}"},
    )
    put(
        old.RULE,
        {"id": 5, "event_code": "EXAM_PASSED", "recipient_policy": "PARENT", "is_active": True,
         "priority_id": id_of("priority", "CRITICAL"), "created_at": NOW},
    )  # fmt: skip
    put(
        old.RULE_CHANNEL,
        {"id": 1, "event_rule_id": 5, "channel_id": id_of("channel", "SMS")},
        {"id": 2, "event_rule_id": 5, "channel_id": id_of("channel", "PIGEON")},
    )
    put(
        old.PREFERENCE,
        {"id": 1, "user_id": 2001, "actor_type_id": id_of("actor_type", "PARENT"),
         "allow_sms": True, "allow_email": False, "allow_in_app": True, "preferred_lang": "sw",
         "updated_at": NOW},
    )  # fmt: skip
    put(
        old.OUTBOX,
        a_message(1),
        a_message(2, "FAILED", attempt_count=2, to_phone='["0712345678", "0754 000 111"]'),
        a_message(3, "SENT", attempt_count=1),
        a_message(4, "FAILED", attempt_count=5),
        a_message(5, "SENDING", attempt_count=1),
        a_message(6, channel_id=id_of("channel", "PIGEON")),
    )
    log = {"status_id": id_of("status", "FAILED"), "provider": "sms_gateway", "created_at": NOW,
           "provider_message_id": "", "error_message": "HTTP 503",
           "response_payload": {"phase": "temporary", "body": "to 0712345678"}}  # fmt: skip
    put(
        old.DELIVERY_LOG,
        {**log, "id": 1, "outbox_id": 2, "attempt_no": 1},
        {**log, "id": 2, "outbox_id": 2, "attempt_no": 2},
        {**log, "id": 3, "outbox_id": 4, "attempt_no": 5},
    )
    put(
        old.IN_APP_MESSAGE,
        {"id": 8, "user_id": 2001, "title": "Passed", "body": "Asha has passed", "is_read": False,
         "event_code": "EXAM_PASSED", "entity_type": "", "entity_id": "", "created_at": NOW},
    )  # fmt: skip


@pytest.fixture
def command(app: Flask, mediator_url: str) -> Callable[..., Result]:
    """Runs the command."""

    def run_command(*arguments: str) -> Result:
        with app.app_context():
            done = app.test_cli_runner().invoke(
                args=["import-django-mediator", "--database-url", mediator_url, *arguments]
            )
        assert done.exit_code == 0, done.output
        return done

    return run_command


MODELS = (Event, Template, Rule, Preference, OutboxMessage, DeliveryLog, InAppMessage)
EXPECTED = {"Template": 1, "Rule": 1, "Preference": 1, "OutboxMessage": 3, "DeliveryLog": 2,
            "InAppMessage": 1}  # fmt: skip


def counts(container: Container) -> dict[str, int]:
    with container.database.reading() as session:
        return {
            model.__name__: session.scalar(select(func.count()).select_from(model)) or 0
            for model in MODELS
            if model is not Event
        }


def message(container: Container, id_: int) -> OutboxMessage:
    with container.database.reading() as session:
        query = select(OutboxMessage).where(OutboxMessage.idempotency_key == f"key-{id_}")
        return session.scalars(query).one()


@pytest.mark.usefixtures("filled")
def test_everything_comes_over_once_however_often_it_is_asked_for(
    command: Callable[..., Result], container: Container
) -> None:
    first = command().output
    assert counts(container) == EXPECTED
    again = command().output
    assert counts(container) == EXPECTED
    row = next(line.split() for line in again.splitlines() if line.startswith("message"))
    assert row == ["message", "6", "3", "3", "0", "0", "3", "3"]
    for why in ("has ended (SENT)", "has ended (FAILED)", "PIGEON", "its message did not come over",
                "is no placeholder", "Kiungo has no such channel", "BAD CODE"):  # fmt: skip
        assert why in first, first
    for private in ("0712", "Asha", "2001"):
        assert private not in first + again


@pytest.mark.usefixtures("filled")
def test_a_dry_run_says_the_same_and_changes_nothing(
    command: Callable[..., Result], container: Container
) -> None:
    said = command("--dry-run").output.splitlines()
    assert counts(container) == dict.fromkeys(EXPECTED, 0)
    really = command().output.splitlines()
    for kind in ("module", "event", "template", "rule", "preference"):
        assert [one for one in said if one.startswith(kind)] == [
            one for one in really if one.startswith(kind)
        ]
    assert [one for one in said if one.startswith("  ")][1:] == [
        one for one in really if one.startswith("  ")
    ][1:]


@pytest.mark.usefixtures("filled")
def test_an_event_is_told_as_it_was_at_the_mediator(
    command: Callable[..., Result], container: Container
) -> None:
    command()
    person = Recipient(user_id="2001", actor_type="PARENT", to_phone="0712345678")
    given = {"event_code": "EXAM_PASSED", "context": {"name": "Asha"}, "recipients": [person]}
    emitted = Emitter(container.database, "TZ").emit(Emission(**given))
    assert emitted.queued_count == 1
    with container.database.reading() as session:
        assert (
            session.scalars(select(Priority.weight).where(Priority.code == "CRITICAL")).one() == 75
        )
        template = session.scalars(select(Template)).one()
        assert (template.version, template.channel) == (3, ChannelCode.SMS)
        made = session.scalars(
            select(OutboxMessage).where(OutboxMessage.template_id == template.id)
        ).all()
        assert {one.body for one in made} == {"Asha has passed"}


@pytest.mark.usefixtures("filled")
def test_messages_go_on_where_they_were(
    command: Callable[..., Result], container: Container
) -> None:
    command()
    waiting = message(container, 1)
    assert (waiting.status, waiting.to_phone) == (MessageStatus.QUEUED, "+255712345678")
    assert (waiting.recipient_user_id, waiting.recipient_actor_type) == ("2001", "PARENT")
    assert waiting.rank == -75
    tried = message(container, 2)
    assert (tried.status, tried.is_final, tried.attempt_count) == (MessageStatus.FAILED, False, 2)
    assert tried.to_phone == "+255712345678,+255754000111"
    with container.database.reading() as session:
        log = session.scalars(select(DeliveryLog).order_by(DeliveryLog.attempt_no)).all()
        assert [one.attempt_no for one in log] == [1, 2]
        assert {one.status for one in log} == {AttemptStatus.FAILED_TEMPORARY}
        assert log[0].response_payload == {"phase": "temporary"}
        assert session.scalars(select(InAppMessage.actor_type)).one() == "PARENT"
    doubtful = message(container, 5)
    assert (doubtful.status, doubtful.is_final) == (MessageStatus.UNKNOWN, True)


@pytest.mark.usefixtures("filled")
def test_nothing_is_sent_twice(
    command: Callable[..., Result], container: Container, change: Callable[..., None]
) -> None:
    command()
    # A worker here has sent one, the mediator another one meanwhile; then both are asked again.
    with container.database.writing() as session:
        sent = session.get_one(OutboxMessage, message(container, 1).id)
        sent.status = MessageStatus.SENT
    change(old.OUTBOX, 2, status_id=id_of("status", "SENT"), attempt_count=3)
    said = command().output
    assert "ended at the mediator meanwhile: cancelled here: 2" in said
    assert message(container, 1).status is MessageStatus.SENT
    assert message(container, 2).status is MessageStatus.CANCELLED
    assert counts(container)["OutboxMessage"] == 3
    command()
    assert message(container, 2).status is MessageStatus.CANCELLED


@pytest.mark.usefixtures("filled")
def test_waiting_messages_can_be_left_with_a_mediator_that_still_sends(
    command: Callable[..., Result], container: Container
) -> None:
    command("--without-outbox")
    assert counts(container) == {**EXPECTED, "OutboxMessage": 0, "DeliveryLog": 0}


@pytest.mark.usefixtures("filled")
def test_what_changed_there_comes_again_and_what_changed_here_stays(
    command: Callable[..., Result],
    container: Container,
    change: Callable[..., None],
    put: Callable[..., None],
) -> None:
    command()
    with container.database.writing() as session:
        session.scalars(select(Preference)).one().allow_sms = False
    command()
    with container.database.reading() as session:
        assert session.scalars(select(Preference)).one().allow_sms is False
    change(old.TEMPLATE, 1, body="{name} made it")
    put(old.RULE_CHANNEL, {"id": 3, "event_rule_id": 5, "channel_id": id_of("channel", "EMAIL")})
    command()
    with container.database.reading() as session:
        words = session.execute(select(Template.version, Template.body, Template.is_active))
        assert sorted(tuple(row) for row in words) == [
            (3, "{name} has passed", False),
            (4, "{name} made it", True),
        ]
        rule = session.scalars(select(Rule)).one()
        assert [one.channel for one in rule.channels] == [ChannelCode.EMAIL, ChannelCode.SMS]


@pytest.mark.usefixtures("filled")
def test_an_import_that_broke_off_goes_on(
    container: Container,
    mediator_url: str,
    put: Callable[..., None],
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(old.OUTBOX, *(a_message(number) for number in range(100, 700)))
    seen, convert = 0, messages.as_message

    def break_off(*given: Any) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if seen == 550:
            raise KeyboardInterrupt
        return convert(*given)

    monkeypatch.setattr(messages, "as_message", break_off)
    with pytest.raises(KeyboardInterrupt), Source(mediator_url) as source:
        bring_all(source, container)
    assert 0 < counts(container)["OutboxMessage"] < 603
    monkeypatch.undo()
    command()
    assert counts(container) == {**EXPECTED, "OutboxMessage": 603}


@pytest.mark.usefixtures("filled")
def test_a_message_is_read_by_the_number_that_it_had(
    command: Callable[..., Result], container: Container, api: Any
) -> None:
    command()
    answer = api.post("inbox/8/read/")
    assert answer.status_code == 200, answer.text
    with container.database.reading() as session:
        assert session.scalars(select(InAppMessage.is_read)).one() is True
    assert api.post("inbox/9/read/").status_code == 404
    attempts = api.get("outbox/2/delivery-logs/").get_json()
    assert [one["attempt_no"] for one in attempts["data"]] == [2, 1]
    ours = api.get(f"outbox/{message(container, 2).id}/delivery-logs/").get_json()
    assert ours["data"] == attempts["data"]
    assert api.get("outbox/999999/delivery-logs/").status_code == 404


def test_another_projects_database_is_not_taken_for_the_mediators(
    app: Flask, tmp_path: Path
) -> None:
    path = tmp_path / "other.sqlite3"
    path.touch()
    with app.app_context():
        done = app.test_cli_runner().invoke(
            args=["import-django-mediator", "--database-url", f"sqlite:///{path}"]
        )
    assert done.exit_code == 1
    assert "This is not the mediator's database" in done.output
