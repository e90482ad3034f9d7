"""The queue `policy-notify.events`: handled once, whole or not at all, over both brokers."""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common.broker import dead_letter_queue, durable_queue, open_broker
from common.clock import utc_now
from common.events import CONTENT_TYPE
from policy_notify.intake import events
from policy_notify.intake.kinds import KINDS
from policy_notify.intake.upsert import store
from policy_notify.models import Family, FamilyConsent, Insuree, SeenEvent
from policy_notify.parts import Parts
from sqlalchemy import func, select

NOBODY = str(uuid.uuid4())
RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")


def count(parts: Parts, model: Any) -> int:
    with parts.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture(params=["embedded", "rabbitmq"])
def wired(
    request: pytest.FixtureRequest, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Parts]:
    """A consumer on a queue of its own; the parts with that broker."""
    monkeypatch.setattr(events, "QUEUE", f"policy-notify.events.{uuid.uuid4().hex[:8]}")
    url = RABBITMQ if request.param == "rabbitmq" else None
    settings = replace(parts.settings, rabbitmq_url=url)
    if url is None:
        settings = replace(settings, var_dir=tmp_path)
    wired = replace(parts, settings=settings)
    stopping = threading.Event()
    thread = threading.Thread(target=events.consume_events, args=(wired, stopping))
    thread.start()
    yield wired
    stopping.set()
    thread.join()
    if url:
        with open_broker(settings) as connection:
            for name in (events.QUEUE, f"{events.QUEUE}.dead"):
                connection.default_channel.queue_delete(name)


def publish(parts: Parts, kind: str, data: Any, event_id: str | None = None) -> None:
    event = {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "type": f"policy-notify.{kind}",
        "source": "test",
        "time": utc_now().isoformat(),
        "data": data,
    }
    with open_broker(parts.settings) as connection, connection.Producer() as producer:
        producer.publish(
            json.dumps(event).encode(),
            routing_key=events.QUEUE,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            declare=[dead_letter_queue(events.QUEUE), durable_queue(events.QUEUE)],
        )


def test_records_and_mutations_come_by_event_and_repeated_ones_change_nothing(
    wired: Parts,
) -> None:
    family, head = str(uuid.uuid4()), str(uuid.uuid4())
    publish(wired, "insurees", [{"uuid": head, "chf_id": "70001", "family": family}])
    publish(wired, "families", {"uuid": family, "head": head})
    mutation = {
        "mutation_class": "CreateFamilyMutation",
        "data": {
            "head_insuree": {"chf_id": "70001"},
            "contribution": {"PolicyNotification": {"approvalOfNotification": True}},
        },
    }
    for _ in range(2):
        publish(wired, "mutation", mutation, event_id="same")
    publish(wired, "insurees", {"uuid": str(uuid.uuid4()), "chf_id": "70002"})

    eventually(lambda: count(wired, Insuree) == 2)
    assert count(wired, Family) == 1
    assert count(wired, SeenEvent) == 4
    with wired.database.reading() as session:
        (consent,) = session.scalars(select(FamilyConsent))
    assert consent.approval is True


def test_mutation_that_overtakes_its_family_waits_for_it(
    wired: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PATIENCE_S", (0.05,) * 200)
    family = str(uuid.uuid4())
    given = {"PolicyNotification": {"approvalOfNotification": True}}
    mutation = {"uuid": family, "contribution": given}
    publish(wired, "mutation", {"mutation_class": "UpdateFamilyMutation", "data": mutation})
    time.sleep(0.3)  # so that it is most likely refused a few times
    with wired.database.writing() as session:
        store(session, KINDS["families"], [{"uuid": family}])

    eventually(lambda: count(wired, FamilyConsent) == 1)


def test_event_that_cannot_be_stored_or_read_does_not_stop_the_queue(wired: Parts) -> None:
    publish(wired, "insurees", {"uuid": str(uuid.uuid4()), "chf_id": "1"}, event_id="x" * 65)
    deep = "[" * 100_000 + "]" * 100_000
    with open_broker(wired.settings) as connection, connection.Producer() as producer:
        producer.publish(deep.encode(), routing_key=events.QUEUE, content_type=CONTENT_TYPE)
    publish(wired, "insurees", {"uuid": str(uuid.uuid4()), "chf_id": "70002"})

    eventually(lambda: count(wired, Insuree) == 1)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("insurees", [{"uuid": str(uuid.uuid4()), "chf_id": "1"}, {"uuid": "x"}]),
        ("cats", {}),
        ("mutation", "text"),
        ("mutation", {"mutation_class": "UpdateFamilyMutation", "data": {"uuid": "x"}}),
        ("mutation", {"mutation_class": "CreateFamilyMutation", "data": {"uuid": NOBODY}}),
    ],
)
def test_bad_event_is_kept_as_a_dead_letter_and_the_next_one_is_handled(
    wired: Parts, kind: str, data: Any
) -> None:
    publish(wired, kind, data, event_id="bad")
    publish(wired, "insurees", {"uuid": str(uuid.uuid4()), "chf_id": "70002"})

    eventually(lambda: count(wired, Insuree) == 1)
    with open_broker(wired.settings) as connection:
        dead = connection.SimpleQueue(dead_letter_queue(events.QUEUE))
        letter = dead.get(timeout=5)
        assert json.loads(letter.body)["id"] == "bad"
        letter.ack()
    assert count(wired, SeenEvent) == 1
