"""From the outbox to the broker: in the change's transaction, confirmed, in order."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from common.clock import utc_now
from common.db.database import TYPES, Database, new_metadata
from common.jobs.broker import BROKER_ERRORS, durable_queue, open_broker
from common.jobs.events import OutgoingEvent, queue_event, relay_due
from common.settings import Environment
from kombu.connection import Connection
from sqlalchemy import func, select, update
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Outgoing(OutgoingEvent, Base):
    __tablename__ = "outgoing_events"


@pytest.fixture
def outbox(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    return database


@pytest.fixture
def connection(broker: Environment) -> Iterator[Connection]:
    with open_broker(broker) as opened:
        yield opened


def put(outbox: Database, queue: str, *data: object) -> list[str]:
    with outbox.writing() as session:
        return [
            queue_event(session, Outgoing, queue=queue, type_="t", source="/test", data=one)
            for one in data
        ]


def waiting(outbox: Database) -> int:
    with outbox.reading() as session:
        return session.scalar(select(func.count()).select_from(Outgoing)) or 0


def got(connection: Connection, queue: str) -> list[object]:
    """The data of all messages of `queue`."""
    found = []
    durable_queue(queue)(connection.default_channel).declare()
    while (message := connection.default_channel.basic_get(queue, no_ack=True)) is not None:
        found.append(json.loads(message.body)["data"])
    return found


def test_event_of_an_act_that_fails_is_not_queued(outbox: Database) -> None:
    def act() -> None:
        with outbox.writing() as session:
            queue_event(session, Outgoing, queue="q", type_="t", source="/s", data=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert waiting(outbox) == 0


def test_event_is_a_cloud_event(outbox: Database) -> None:
    (event_id,) = put(outbox, "q", {"name": "Náomi"})
    with outbox.reading() as session:
        event = json.loads(session.scalars(select(Outgoing.body)).one())
    assert datetime.fromisoformat(event.pop("time")).utcoffset() == timedelta(0)
    assert event == {
        "specversion": "1.0",
        "id": event_id,
        "type": "t",
        "source": "/test",
        "datacontenttype": "application/json",
        "data": {"name": "Náomi"},
    }


def test_events_are_published_in_order_and_forgotten(
    outbox: Database, connection: Connection, queue: str
) -> None:
    put(outbox, queue, *range(30))
    assert relay_due(outbox, Outgoing, connection) == 30
    assert got(connection, queue) == list(range(30))
    assert waiting(outbox) == 0


def test_nothing_to_publish_is_nothing_done(outbox: Database, connection: Connection) -> None:
    assert relay_due(outbox, Outgoing, connection) == 0


def test_published_event_outlives_its_publisher(
    outbox: Database, broker: Environment, queue: str
) -> None:
    put(outbox, queue, "kept")
    with open_broker(broker) as publisher:
        relay_due(outbox, Outgoing, publisher)
    with open_broker(broker) as other:
        assert got(other, queue) == ["kept"]


def test_event_in_the_hands_of_another_relay_is_left_to_it(
    outbox: Database, connection: Connection, queue: str
) -> None:
    put(outbox, queue, 1)
    with outbox.writing() as session:
        session.execute(update(Outgoing).values(lease_until=utc_now() + timedelta(seconds=30)))
    assert relay_due(outbox, Outgoing, connection) == 0
    assert waiting(outbox) == 1


@pytest.fixture
def away() -> Iterator[Connection]:
    """A broker that is not there."""
    settings = Environment(rabbitmq_url="amqp://guest:guest@127.0.0.1:1")
    with open_broker(settings) as connection:
        yield connection


def test_events_stay_queued_while_the_broker_is_away(outbox: Database, away: Connection) -> None:
    put(outbox, "q", 1, 2)
    with pytest.raises(BROKER_ERRORS):
        relay_due(outbox, Outgoing, away)
    assert waiting(outbox) == 2


def test_events_that_met_no_broker_go_before_later_ones(
    outbox: Database, away: Connection, connection: Connection, queue: str
) -> None:
    put(outbox, queue, "first")
    with pytest.raises(BROKER_ERRORS):
        relay_due(outbox, Outgoing, away)
    put(outbox, queue, "second")

    relay_due(outbox, Outgoing, connection)

    assert got(connection, queue) == ["first", "second"]
