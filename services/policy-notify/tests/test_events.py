"""The queue `policy-notify.events`: handled once, whole or not at all, over both brokers."""

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import common.jobs.events
import pytest
from common.clock import utc_now
from common.errors import NotFound
from common.jobs.broker import dead_letter_queue, durable_queue, open_broker
from common.jobs.dead_letters import Done
from common.jobs.events import CONTENT_TYPE
from flask import Flask
from policy_notify.container import Container
from policy_notify.intake import events
from policy_notify.intake.dead_letters import dead_letters
from policy_notify.models import (
    Family,
    FamilyConsent,
    Insuree,
    PaymentNotice,
    SeenEvent,
    WaitingConsent,
)
from sqlalchemy import func, select
from waiting import eventually

RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")


def count(container: Container, model: Any) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture(params=["embedded", "rabbitmq"])
def wired(
    request: pytest.FixtureRequest,
    container: Container,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Container]:
    """A consumer on a queue of its own; the container with that broker."""
    monkeypatch.setattr(events, "QUEUE", f"policy-notify.events.{uuid.uuid4().hex[:8]}")
    url = RABBITMQ if request.param == "rabbitmq" else None
    settings = replace(container.settings, rabbitmq_url=url)
    if url is None:
        settings = replace(settings, var_dir=tmp_path)
    wired = replace(container, settings=settings)
    monkeypatch.setattr(common.jobs.events, "DRAIN_S", 0.1)  # how soon it sees `stopping`
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


def publish(container: Container, kind: str, data: Any, event_id: str | None = None) -> None:
    event = {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "type": f"policy-notify.{kind}",
        "source": "test",
        "time": utc_now().isoformat(),
        "data": data,
    }
    with open_broker(container.settings) as connection, connection.Producer() as producer:
        producer.publish(
            json.dumps(event).encode(),
            routing_key=events.QUEUE,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            declare=[dead_letter_queue(events.QUEUE), durable_queue(events.QUEUE)],
        )


def publish_bad(container: Container, kind: str, data: Any) -> str:
    event_id = str(uuid.uuid4())
    publish(container, kind, data, event_id)
    return event_id


def test_payments_come_by_event_once_each(wired: Container) -> None:
    one = {"uuid": str(uuid.uuid4()), "event": "paid", "received_amount": "5"}
    other = {"uuid": str(uuid.uuid4()), "event": "not_matched"}
    publish(wired, "payment", one)
    publish(wired, "payment", [one, other])
    bad = publish_bad(wired, "payment", {"uuid": str(uuid.uuid4()), "event": "refunded"})

    eventually(lambda: count(wired, PaymentNotice) == 2)
    eventually(lambda: [letter.event_id for letter in dead_letters(wired.settings).all()] == [bad])


def test_records_and_mutations_come_by_event_and_repeated_ones_change_nothing(
    wired: Container,
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


YES = {"PolicyNotification": {"approvalOfNotification": True, "languageOfNotification": "sw"}}


@pytest.mark.parametrize(
    ("mutation_class", "names"),
    [
        ("UpdateFamilyMutation", "uuid"),
        ("CreateFamilyMutation", "uuid"),
        ("CreateFamilyMutation", "chf_id"),
    ],
)
def test_consent_that_overtakes_its_family_waits_for_it(
    wired: Container, mutation_class: str, names: str
) -> None:
    family, head = str(uuid.uuid4()), str(uuid.uuid4())
    by = {"uuid": family} if names == "uuid" else {"head_insuree": {"chf_id": "70001"}}
    data = {**by, "contribution": YES}
    publish(wired, "mutation", {"mutation_class": mutation_class, "data": data})
    eventually(lambda: count(wired, SeenEvent) == 1)

    publish(wired, "families", {"uuid": family, "head": head})
    publish(wired, "insurees", {"uuid": head, "chf_id": "70001", "family": family})

    eventually(lambda: count(wired, SeenEvent) == 3)
    with wired.database.reading() as session:
        (consent,) = session.scalars(select(FamilyConsent))
        assert (str(consent.family), consent.approval, consent.language) == (family, True, "sw")
    assert count(wired, WaitingConsent) == 0


def test_consent_that_waited_does_not_overwrite_one_that_was_given_later(wired: Container) -> None:
    family, head = str(uuid.uuid4()), str(uuid.uuid4())
    created = {"head_insuree": {"chf_id": "70001"}, "contribution": YES}
    publish(wired, "mutation", {"mutation_class": "CreateFamilyMutation", "data": created})
    no = {"PolicyNotification": {"approvalOfNotification": False}}
    updated = {"uuid": family, "contribution": no}
    publish(wired, "mutation", {"mutation_class": "UpdateFamilyMutation", "data": updated})
    publish(wired, "families", {"uuid": family, "head": head})
    publish(wired, "insurees", {"uuid": head, "chf_id": "70001", "family": family})

    eventually(lambda: count(wired, SeenEvent) == 4)
    with wired.database.reading() as session:
        (consent,) = session.scalars(select(FamilyConsent))
        assert consent.approval is False


def test_event_that_cannot_be_stored_or_read_does_not_stop_the_queue(wired: Container) -> None:
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
        ("mutation", {"mutation_class": "CreateFamilyMutation", "data": {}}),
    ],
)
def test_bad_event_is_kept_as_a_dead_letter_and_the_next_one_is_handled(
    wired: Container, kind: str, data: Any
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


@pytest.mark.usefixtures("acting")
def test_dead_letters_are_listed_sent_again_and_dropped(wired: Container) -> None:
    person = str(uuid.uuid4())
    publish(wired, "insurees", {"uuid": person, "chf_id": "1", "colour": "red"}, event_id="bad")
    publish(wired, "cats", {}, event_id="worse")
    eventually(lambda: len(dead_letters(wired.settings).all()) == 2)

    found = {one.event_id: one for one in dead_letters(wired.settings).all()}
    assert {one.type for one in found.values()} == {"policy-notify.insurees", "policy-notify.cats"}
    assert dead_letters(wired.settings).drop(found["worse"].key) == Done(1)
    with pytest.raises(NotFound):
        dead_letters(wired.settings).drop(found["worse"].key)

    kept = dead_letters(wired.settings)
    assert kept.replay(found["bad"].key) == Done(1)
    eventually(lambda: [(one.event_id, one.replayed) for one in kept.all()] == [("bad", 1)])
    publish(wired, "cats", {}, event_id="new")
    eventually(lambda: {one.event_id for one in kept.all()} == {"bad", "new"})
    assert kept.replay() == Done(1, left_out=1)  # that which came back already
    eventually(lambda: [one.replayed for one in kept.all()] == [1, 1])
    assert kept.replay(include_repeated=True) == Done(2)
    eventually(lambda: [one.replayed for one in kept.all()] == [2, 2])
    assert kept.drop() == Done(2)
    assert dead_letters(wired.settings).all() == []


@pytest.fixture
def acting(wired: Container, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the service, as its commands are: what is done is in its audit log."""
    monkeypatch.setitem(app.extensions, "policy-notify", wired)
    with app.app_context():
        yield


@pytest.fixture
def wired_api(wired: Container, app: Flask, api: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API with that broker."""
    monkeypatch.setitem(app.extensions, "policy-notify", wired)
    return api


def listed(api: Any) -> dict[str, Any]:
    answer = api.get("dead-letters/")
    assert answer.status_code == 200
    return {one["event_id"]: one for one in answer.get_json()["data"]}


def test_dead_letters_are_listed_replayed_and_dropped_over_http(
    wired: Container, wired_api: Any
) -> None:
    person = {"uuid": str(uuid.uuid4()), "chf_id": "071234567", "colour": "red"}
    publish(wired, "insurees", person, event_id="bad")
    publish(wired, "cats", {}, event_id="worse")
    eventually(lambda: listed(wired_api).keys() == {"bad", "worse"})

    bad, worse = (listed(wired_api)[name] for name in ("bad", "worse"))
    assert bad.keys() == {"key", "event_id", "type", "size_bytes", "replayed"}
    assert bad["type"] == "policy-notify.insurees"
    dropped = wired_api.delete(f"dead-letters/{worse['key']}/")
    assert (dropped.status_code, dropped.get_json()) == (200, {"ok": True, "count": 1})
    assert listed(wired_api).keys() == {"bad"}

    replayed = wired_api.post(f"dead-letters/{bad['key']}/replay/")
    assert (replayed.status_code, replayed.get_json()) == (202, {"ok": True, "count": 1})
    eventually(lambda: listed(wired_api).keys() == {"bad"})
    assert count(wired, SeenEvent) == 0


def test_dead_letter_that_is_not_there_is_404(wired_api: Any) -> None:
    assert wired_api.delete("dead-letters/0123456789abcdef/").status_code == 404
    assert wired_api.post("dead-letters/0123456789abcdef/replay/").status_code == 404


def test_dead_letters_need_their_scopes(
    wired: Container, wired_api: Any, api_with: Callable[[str], Any]
) -> None:
    reader, writer = api_with("policy:read"), api_with("policy:write")
    assert reader.get("dead-letters/").status_code == 200
    assert reader.delete("dead-letters/0123456789abcdef/").status_code == 403
    assert reader.post("dead-letters/0123456789abcdef/replay/").status_code == 403
    assert writer.get("dead-letters/").status_code == 403


def test_dead_letters_of_a_broker_that_is_away_are_503(
    app: Flask, container: Container, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(container.settings, rabbitmq_url="amqp://guest:guest@127.0.0.1:9")
    monkeypatch.setitem(app.extensions, "policy-notify", replace(container, settings=settings))
    assert api.get("dead-letters/").status_code == 503
