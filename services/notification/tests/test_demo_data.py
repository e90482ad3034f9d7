"""`flask --app notification seed-demo`: added once, and never over an operator's changes."""

from common.clock import utc_now
from flask import Flask
from notification.container import Container
from notification.demo.seed import EVENT
from notification.emit.emitting import Emitter
from notification.emit.event import Emission, Recipient
from notification.models import OutboxMessage, Template
from sqlalchemy import func, select, update


def seed(app: Flask) -> str:
    with app.app_context():
        return app.test_cli_runner().invoke(args=["seed-demo"], catch_exceptions=False).output


def bodies(container: Container) -> dict[tuple[str, str], str]:
    with container.database.reading() as session:
        found = session.execute(select(Template.channel, Template.language, Template.body))
        return {(channel, language): body for channel, language, body in found}


def test_the_demonstration_event_reaches_all_channels_in_both_languages(
    app: Flask, container: Container
) -> None:
    assert seed(app) == f"{EVENT} added\n"
    context = {"name": "Asha", "place": "Muhimbili", "date": "12.5.2027"}
    for language in ("en", "sw"):
        person = Recipient(
            user_id="asha",
            actor_type="FAMILY",
            to_phone="0712345678",
            to_email="asha@example.org",
            preferred_lang=language,
        )
        given = {"event_code": EVENT, "context": context, "recipients": [person]}
        emitted = Emitter(container.database, "TZ").emit(Emission(**given))
        assert (emitted.queued_count, list(emitted.skipped)) == (3, [])
    with container.database.reading() as session:
        queued = session.execute(select(OutboxMessage.channel, func.count()).group_by("channel"))
        assert dict(tuple(row) for row in queued) == dict.fromkeys(("SMS", "EMAIL", "IN_APP"), 2)


def test_seeding_again_changes_nothing(app: Flask, container: Container) -> None:
    seed(app)
    with container.database.writing() as session:
        session.execute(update(Template).values(body="Ours now", created_at=utc_now()))
    assert seed(app) == f"{EVENT} is there already\n"
    assert set(bodies(container).values()) == {"Ours now"}
    assert len(bodies(container)) == 7  # and the one of the API's examples
