"""RabbitMQ gets messages sealed, and gives them as they were meant."""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from common.audit.log import AuditRules, register_audit_log
from common.audit.models import AuditTables, CheckpointColumns, EventColumns, HeadColumns
from common.audit.schema import create_audit_tables
from common.db.database import TYPES, Database, new_metadata
from common.jobs.broker import (
    BROKER_ERRORS,
    dead_letter_queue,
    durable_queue,
    open_broker,
    seal_messages_anew,
)
from common.jobs.dead_letters import DeadLetter, DeadLetters
from common.jobs.events import CONTENT_TYPE, ConsumedEvent, EventConsumer
from common.sealing import create_key, is_sealed
from common.settings import Environment
from flask import Flask
from kombu.connection import Connection
from kombu.message import Message
from sqlalchemy.orm import DeclarativeBase

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672"
NAME = "Mwakyusa"


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Seen(ConsumedEvent, Base):
    __tablename__ = "consumed_events"


@pytest.fixture
def settings(tmp_path: Path) -> Environment:
    """Of a service with RabbitMQ and a key, or a skip."""
    found = Environment(var_dir=tmp_path, rabbitmq_url=RABBITMQ)
    try:
        with open_broker(found) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except BROKER_ERRORS as exc:
        pytest.skip(f"no RabbitMQ: {type(exc).__name__}")
    create_key(found.message_keys_folder)
    return found


@pytest.fixture
def queue() -> Iterator[str]:
    name = f"test.{uuid.uuid4().hex[:12]}"
    yield name
    with Connection(RABBITMQ) as connection:
        for one in (name, f"{name}.dead"):
            connection.default_channel.queue_delete(one)


def an_event(event_id: str = "e1", **changes: str) -> bytes:
    event = {"specversion": "1.0", "id": event_id, "type": "t", "source": "/s", "data": NAME}
    return json.dumps({**event, **changes}).encode()


def publish(connection: Connection, queue: str, *bodies: bytes) -> None:
    name = queue.removesuffix(".dead")
    with connection, connection.Producer() as producer:
        for body in bodies:
            producer.publish(
                body,
                routing_key=queue,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode=2,
                headers={"traceparent": "00-1"},
                declare=[dead_letter_queue(name), durable_queue(name)],
            )


def lying(queue: str) -> list[Message]:
    """The messages as RabbitMQ has them; they stay there."""
    with Connection(RABBITMQ) as connection:
        channel = connection.channel()
        found = iter(lambda: channel.basic_get(queue, no_ack=False), None)
        return list(found)


def bodies(queue: str) -> list[bytes]:
    return [
        one.body.encode() if isinstance(one.body, str) else bytes(one.body) for one in lying(queue)
    ]


def eventually(found: Callable[[], list[DeadLetter]]) -> None:
    """RabbitMQ buries in its own time."""
    deadline = time.monotonic() + 10
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def taken(settings: Environment, inbox: Database, queue: str, deliveries: int) -> list[object]:
    """What a consumer was given of so many deliveries."""
    found: list[object] = []
    with open_broker(settings) as connection:
        consumer = EventConsumer(
            inbox, Seen, queue, lambda _session, event: found.append(event.data)
        )
        consumer.attach(connection)
        for _ in range(deliveries):
            connection.drain_events(timeout=10)
    return found


class AuditEvent(EventColumns, Base):
    pass


class AuditHead(HeadColumns, Base):
    pass


class AuditCheckpoint(CheckpointColumns, Base):
    pass


@pytest.fixture
def inbox(database: Database) -> Iterator[Database]:
    """Of a service that keeps an audit log, as every act on dead letters wants."""
    Base.metadata.create_all(database.engine, tables=[Seen.__table__])
    with database.writing() as session:
        create_audit_tables(session.connection())
    app = Flask(__name__)
    tables = AuditTables(AuditEvent, AuditHead, AuditCheckpoint)
    register_audit_log(app, "tests", database, tables, AuditRules(kinds={}))
    with app.app_context():
        yield database


def test_what_is_queued_is_sealed_and_taken_as_it_was_meant(
    settings: Environment, queue: str, inbox: Database
) -> None:
    publish(open_broker(settings), queue, an_event())
    publish(Connection(RABBITMQ), queue, an_event("of the version before"))

    [sealed, clear] = bodies(queue)
    assert is_sealed(sealed)
    assert NAME.encode() not in sealed
    assert NAME.encode() in clear
    assert taken(settings, inbox, queue, 2) == [NAME, NAME]


def test_dead_letters_are_sealed_and_are_sent_again(
    settings: Environment, queue: str, inbox: Database
) -> None:
    refused = an_event(specversion="2.0")
    publish(open_broker(settings), queue, refused)
    assert taken(settings, inbox, queue, 1) == []
    letters = DeadLetters(settings, queue)
    eventually(letters.all)
    assert all(map(is_sealed, bodies(f"{queue}.dead")))
    assert [one.size_bytes for one in letters.all()] == [len(refused)]

    assert letters.replay().count == 1

    [again] = lying(queue)
    assert is_sealed(bytes(again.body))
    assert again.headers["x-replayed"] == 1


def test_message_whose_key_is_gone_is_kept_until_it_is_back(
    settings: Environment, queue: str, inbox: Database
) -> None:
    publish(open_broker(settings), queue, an_event())
    [key] = settings.message_keys_folder.glob("*.key")
    away = key.rename(key.with_suffix(".away"))
    assert taken(settings, inbox, queue, 1) == []
    letters = DeadLetters(settings, queue)
    eventually(letters.all)
    assert letters.replay().count == 1
    away.rename(key)
    assert taken(settings, inbox, queue, 1) == [NAME]


def test_queues_that_others_read_are_in_clear(settings: Environment, queue: str) -> None:
    for named in (("other", queue), ("*",)):
        publish(open_broker(dataclasses.replace(settings, clear_queues=named)), queue, an_event())
    publish(open_broker(dataclasses.replace(settings, seal_bodies=False)), queue, an_event())
    assert bodies(queue) == 3 * [an_event()]


def test_nothing_is_sealed_without_a_key(tmp_path: Path, settings: Environment, queue: str) -> None:
    keyless = dataclasses.replace(settings, message_keys_dir=tmp_path / "nothing")
    publish(open_broker(keyless), queue, an_event())
    assert bodies(queue) == [an_event()]


def test_what_waits_comes_under_the_newest_key(
    settings: Environment, queue: str, inbox: Database
) -> None:
    [former] = settings.message_keys_folder.glob("*.key")
    publish(Connection(RABBITMQ), queue, an_event("in clear"))
    publish(open_broker(settings), queue, an_event("former"))
    publish(open_broker(settings), f"{queue}.dead", an_event("dead"))
    create_key(settings.message_keys_folder).rename(settings.message_keys_folder / "9.key")
    publish(open_broker(settings), queue, an_event("newest"))

    assert seal_messages_anew(settings, [queue, "there is no such queue"]) == (3, 0)
    assert seal_messages_anew(settings, [queue]) == (0, 0)

    former.unlink()
    assert not any(NAME.encode() in body for body in bodies(queue) + bodies(f"{queue}.dead"))
    headers = [one.headers for one in lying(queue)]
    assert headers == 3 * [{"traceparent": "00-1"}]
    assert {one.properties["delivery_mode"] for one in lying(queue)} == {2}
    assert taken(settings, inbox, queue, 3) == 3 * [NAME]
    assert [one.event_id for one in DeadLetters(settings, queue).all()] == ["dead"]


def test_messages_that_nothing_opens_are_counted_and_stay(
    settings: Environment, queue: str
) -> None:
    publish(open_broker(settings), queue, an_event())
    for path in settings.message_keys_folder.glob("*.key"):
        path.unlink()
    create_key(settings.message_keys_folder)
    before = bodies(queue)
    assert seal_messages_anew(settings, [queue]) == (0, 1)
    assert bodies(queue) == before
