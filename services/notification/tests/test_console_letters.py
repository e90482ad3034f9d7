"""Events that could not be emitted, in the console."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common.jobs.broker import dead_letter_queue, durable_queue, open_broker
from common.jobs.events import CONTENT_TYPE
from flask import Flask
from notification.container import Container
from notification.emit import intake

LETTERS = "/admin/notification/dead-letters/"


def test_event_that_could_not_be_emitted_is_sent_again_or_dropped(
    app: Flask,
    container: Container,
    console: Callable[[str], Any],
    csrf: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = replace(container.settings, rabbitmq_url=None, var_dir=tmp_path)
    monkeypatch.setitem(app.extensions, "notification", replace(container, settings=settings))
    dead, alive = dead_letter_queue(intake.QUEUE), durable_queue(intake.QUEUE)
    ids = [str(uuid.uuid4()) for _ in range(2)]
    for one in ids:
        event = {"specversion": "1.0", "id": one, "type": "notification.emit", "source": "test"}
        body = json.dumps({**event, "data": {"name": "Asha"}}).encode()
        with open_broker(settings) as connection, connection.Producer() as producer:
            options = {"content_type": CONTENT_TYPE, "content_encoding": "utf-8"}
            producer.publish(body, routing_key=dead.name, declare=[dead], **options)

    page = console("operator").get(LETTERS).text
    assert all(one in page for one in ids)
    assert "Asha" not in page
    assert "Send again" not in console("viewer").get(LETTERS).text
    assert "came back" not in page
    keys = [part.split('"')[0] for part in page.split('id="letter-')[1:]]
    for role, form in (("viewer", csrf), ("operator", {})):
        for act in ("replay", "drop"):
            answer = console(role).post(f"{LETTERS}{keys[0]}/{act}/", data=form)
            assert answer.status_code == 403
    for key, act in zip(keys, ("replay", "drop"), strict=True):
        answer = console("operator").post(f"{LETTERS}{key}/{act}/", data=csrf)
        assert answer.status_code == 303

    with open_broker(settings) as connection:
        left = []
        for queue in (dead, alive):
            bound = queue(connection.default_channel)
            bound.declare()
            left.append(bound.queue_declare(passive=True).message_count)
    assert left == [0, 1]
