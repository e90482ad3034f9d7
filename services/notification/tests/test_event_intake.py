"""The queue `notification.emit`: handled once, whole or not at all, over both brokers."""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import common.jobs.events
import pytest
from common.clock import utc_now
from common.jobs.broker import dead_letter_queue, durable_queue, open_broker
from common.jobs.events import CONTENT_TYPE
from common.jobs.wake_up import Listener, WakeUp
from notification.container import Container
from notification.emit import intake as event_intake
from notification.models import ChannelCode, SeenEvent
from sqlalchemy import select
from waiting import eventually

RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")


def wake_up_queue() -> str:
    return f"wake_up.{event_intake.QUEUE}"


@pytest.fixture(params=["embedded", "rabbitmq"])
def wired(
    request: pytest.FixtureRequest,
    container: Container,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Container]:
    """A consumer on a queue of its own; the container with that broker and a wake-up of its own."""
    monkeypatch.setattr(event_intake, "QUEUE", f"notification.emit.{uuid.uuid4().hex[:8]}")
    url = RABBITMQ if request.param == "rabbitmq" else None
    folder = container.settings.var_dir if url else tmp_path
    settings = replace(container.settings, rabbitmq_url=url, var_dir=folder)
    wake_up = WakeUp(lambda: open_broker(settings), wake_up_queue())
    wired = replace(container, settings=settings, wake_up=wake_up)
    monkeypatch.setattr(common.jobs.events, "DRAIN_S", 0.1)  # how soon it sees `stopping`
    stopping = threading.Event()
    thread = threading.Thread(target=event_intake.consume_events, args=(wired, stopping))
    thread.start()
    yield wired
    stopping.set()
    thread.join()
    if url:
        with open_broker(settings) as connection:
            for queue in (event_intake.QUEUE, f"{event_intake.QUEUE}.dead", wake_up_queue()):
                connection.default_channel.queue_delete(queue)


def publish(container: Container, data: Any, **changes: Any) -> None:
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "type": "notification.emit",
        "source": "test",
        "time": utc_now().isoformat(),
        "data": data,
        **changes,
    }
    queue = event_intake.QUEUE
    with open_broker(container.settings) as connection, connection.Producer() as producer:
        producer.publish(
            json.dumps(event).encode(),
            routing_key=queue,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            declare=[dead_letter_queue(queue), durable_queue(queue)],
        )


def expiry(user_id: str, **changes: Any) -> dict[str, Any]:
    """What policy notification hands over."""
    return {
        "event_code": "LICENCE_ISSUED",
        "context": {"Name": "Asha"},
        "recipients": [
            {
                "user_id": user_id,
                "actor_type": "FAMILY",
                "to_phone": "0712345678",
                "preferred_lang": "sw",
            }
        ],
        "idempotency_key": f"key-{user_id}",
        "entity_type": "policy",
        "entity_id": "17",
        **changes,
    }


@pytest.fixture
def ready(client: Any) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS, "Habari {Name}", language="sw")


def seen(container: Container) -> set[str]:
    with container.database.reading() as session:
        return set(session.scalars(select(SeenEvent.event_id)))


def test_event_is_queued_once_and_the_worker_is_woken(
    ready: None, wired: Container, client: Any
) -> None:
    listener = Listener(lambda: open_broker(wired.settings), wake_up_queue())
    for _ in range(2):
        publish(wired, expiry("f1"), id="same")
    publish(wired, expiry("f1"), id="another")  # its messages are known by their keys
    publish(wired, expiry("f2"))

    eventually(lambda: len(client.queued()) == 2)
    began = time.monotonic()
    listener.wait(20.0)
    listener.close()
    assert time.monotonic() - began < 15.0
    assert [(one.to_phone, one.body) for one in client.queued()] == [
        ("+255712345678", "Habari Asha")
    ] * 2
    assert len(seen(wired)) == 3


def test_event_that_makes_no_message_is_done_with(
    ready: None, wired: Container, client: Any
) -> None:
    publish(wired, expiry("f1", context={}), id="nameless")

    eventually(lambda: "nameless" in seen(wired))
    assert client.queued() == []


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (expiry("f1"), {"type": "notification.cancel"}),
        ("text", {}),
        (expiry("f1", event_code="NOBODY_KNOWS"), {}),
        (expiry("f1", recipients=[{"user_id": "f1"}]), {}),
        (expiry("f1", context={"Name": "\ud800"}), {}),
    ],
)
def test_event_that_cannot_be_emitted_becomes_a_dead_letter(
    ready: None, wired: Container, client: Any, data: Any, changes: dict[str, Any]
) -> None:
    publish(wired, data, id="bad", **changes)
    publish(wired, expiry("f2"))

    eventually(lambda: len(client.queued()) == 1)
    with open_broker(wired.settings) as connection:
        dead = connection.SimpleQueue(dead_letter_queue(event_intake.QUEUE))
        letter = dead.get(timeout=10)
        assert json.loads(letter.body)["id"] == "bad"
        letter.ack()
    assert "bad" not in seen(wired)
