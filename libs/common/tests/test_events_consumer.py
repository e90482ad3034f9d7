"""From the broker into a service: handled once, refused for good, or delivered again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from common.correlation import current_request_context
from common.db.database import TYPES, Database, new_metadata, open_engine
from common.errors import Invalid
from common.jobs.broker import durable_queue, open_broker
from common.jobs.events import CloudEvent, ConsumedEvent, EventConsumer, parse_event
from common.settings import Environment
from sqlalchemy import String, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Seen(ConsumedEvent, Base):
    __tablename__ = "consumed_events"


class Note(Base):
    """What the handler writes."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(100))


@pytest.fixture
def inbox(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    return database


@pytest.fixture
def small_inbox(tmp_path: Path) -> Iterator[Database]:
    """One database is enough where only the broker is asked."""
    engine = open_engine(Environment(var_dir=tmp_path / "inbox"), "inbox")
    Base.metadata.create_all(engine)
    yield Database(engine)
    engine.dispose()


def an_event(event_id: str = "e1", data: Any = "hello", **changes: Any) -> bytes:
    event = {"specversion": "1.0", "id": event_id, "type": "t", "source": "/s", "data": data}
    return json.dumps({**event, **changes}).encode()


def note(session: Session, event: CloudEvent) -> None:
    """A handler that writes down what it gets, and raises what it is told to."""
    context = current_request_context()
    whose = f" of {context.correlation_id}" if context else ""
    session.add(Note(text=f"{event.data}{whose}"))
    session.flush()
    if event.data == "invalid":
        raise Invalid("no such family")
    if event.data == "breaks":
        raise ZeroDivisionError
    if event.data == "conflicts":
        session.execute(text("INSERT INTO notes (id, text) SELECT id, text FROM notes"))


def notes(inbox: Database) -> list[str]:
    with inbox.reading() as session:
        return list(session.scalars(select(Note.text).order_by(Note.id)))


class Traffic:
    """Publishes to a queue and lets a consumer take what is there."""

    def __init__(self, settings: Environment, queue: str, inbox: Database) -> None:
        self._settings, self.queue, self._inbox = settings, queue, inbox

    def publish(self, *bodies: bytes, queue: str | None = None) -> None:
        with open_broker(self._settings) as connection, connection.Producer() as producer:
            for body in bodies:
                producer.publish(
                    body,
                    routing_key=queue or self.queue,
                    content_type="application/cloudevents+json",
                    content_encoding="utf-8",
                    declare=[durable_queue(self.queue)],
                )

    def consume(self, deliveries: int) -> None:
        """Take so many deliveries."""
        with open_broker(self._settings) as connection:
            EventConsumer(self._inbox, Seen, self.queue, note).attach(connection)
            for _ in range(deliveries):
                connection.drain_events(timeout=10)

    def waiting(self, suffix: str = "") -> int:
        with open_broker(self._settings) as connection:
            declared = connection.default_channel.queue_declare(self.queue + suffix, passive=True)
            return int(declared.message_count)

    def dead(self) -> int:
        """How many dead letters there are once there is one; RabbitMQ buries in its own time."""
        deadline = time.monotonic() + 5
        while not (found := self.waiting(".dead")) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found


@pytest.fixture
def traffic(broker: Environment, queue: str, small_inbox: Database) -> Traffic:
    return Traffic(broker, queue, small_inbox)


def test_event_is_handled_and_gone(traffic: Traffic, small_inbox: Database) -> None:
    traffic.publish(an_event())
    traffic.consume(1)
    assert notes(small_inbox) == ["hello"]
    assert traffic.waiting() == traffic.waiting(".dead") == 0


def test_event_is_handled_and_kept_under_the_correlation_id_that_it_brings(
    traffic: Traffic, small_inbox: Database
) -> None:
    brought = {"e1": "lab-request-17", "e2": "with blanks", "e3": 17}
    traffic.publish(*(an_event(one, correlationid=known) for one, known in brought.items()))
    traffic.consume(3)
    assert notes(small_inbox) == ["hello of lab-request-17", "hello", "hello"]
    with small_inbox.reading() as session:
        kept = {one.event_id: one.correlation_id for one in session.scalars(select(Seen))}
    assert kept == {"e1": "lab-request-17", "e2": None, "e3": None}


def test_event_that_is_delivered_twice_is_handled_once(
    traffic: Traffic, small_inbox: Database
) -> None:
    traffic.publish(an_event("e1"), an_event("e1"), an_event("e2", "other"))
    traffic.consume(3)
    assert notes(small_inbox) == ["hello", "other"]
    assert traffic.waiting() == traffic.waiting(".dead") == 0


REFUSED = {
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe{}",
    "no object": b"[]",
    "another version": an_event(specversion="0.3"),
    "without id": an_event(id=""),
    "id that is no text": an_event(id=7),
    "without type": an_event(type=None),
    "without source": an_event(source=""),
    "id too long to remember": an_event("x" * 65),
    "id that no database takes": an_event("a\x00b"),
    "nested beyond reason": b"[" * 100_000,
    "refused by the handler": an_event(data="invalid"),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_event_that_cannot_be_handled_goes_to_the_dead_letters(
    traffic: Traffic, small_inbox: Database, body: bytes
) -> None:
    traffic.publish(body, an_event("next"))
    traffic.consume(2)
    assert notes(small_inbox) == ["hello"]
    assert (traffic.dead(), traffic.waiting()) == (1, 0)


def test_event_whose_handler_breaks_is_delivered_again(
    traffic: Traffic, small_inbox: Database
) -> None:
    traffic.publish(an_event(data="breaks"))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            traffic.consume(1)
    assert (traffic.waiting(), traffic.waiting(".dead")) == (1, 0)
    assert notes(small_inbox) == []


# --- on both databases


@pytest.fixture
def arrivals(inbox: Database, tmp_path: Path) -> Traffic:
    """One broker is enough where only the database is asked."""
    return Traffic(Environment(var_dir=tmp_path / "broker"), "arrivals", inbox)


def test_repeated_event_changes_nothing(arrivals: Traffic, inbox: Database) -> None:
    arrivals.publish(an_event("e1"), an_event("e1", "changed"))
    arrivals.consume(2)
    assert notes(inbox) == ["hello"]
    assert arrivals.waiting() == 0


def test_what_a_refusing_handler_wrote_is_undone(arrivals: Traffic, inbox: Database) -> None:
    arrivals.publish(an_event(data="invalid"))
    arrivals.consume(1)
    assert notes(inbox) == []


def test_refused_event_is_not_remembered(arrivals: Traffic, inbox: Database) -> None:
    arrivals.publish(an_event(data="invalid"))
    arrivals.consume(1)
    with inbox.reading() as session:
        assert session.scalar(select(func.count()).select_from(Seen)) == 0


@pytest.mark.parametrize("event_id", ["x" * 65, "a\x00b"])
def test_id_that_cannot_be_remembered_is_refused(arrivals: Traffic, event_id: str) -> None:
    arrivals.publish(an_event(event_id))
    arrivals.consume(1)
    assert arrivals.dead() == 1


def test_conflict_of_the_handler_is_not_taken_for_a_repetition(
    arrivals: Traffic, inbox: Database
) -> None:
    arrivals.publish(an_event(data="conflicts"))
    with pytest.raises(IntegrityError):
        arrivals.consume(1)
    assert notes(inbox) == []
    assert arrivals.waiting() == 1


def test_event_is_read_with_its_data() -> None:
    assert parse_event(an_event("e1", {"n": 1})) == CloudEvent("e1", "t", "/s", {"n": 1})
