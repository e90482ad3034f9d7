"""Dead letters and payments in the console."""

import json
import uuid
from dataclasses import replace

import pytest
from common.jobs.broker import dead_letter_queue, durable_queue, open_broker
from common.jobs.events import CONTENT_TYPE
from policy_notify.intake import events
from policy_notify.models import PaymentNotice
from sqlalchemy import select

LETTERS = "/admin/policy-notification/dead-letters/"
PAYMENTS = "/admin/policy-notification/payments/"


@pytest.fixture
def broker(app, container, tmp_path, monkeypatch):
    """An embedded broker of this test's own, for the app as well."""
    settings = replace(container.settings, rabbitmq_url=None, var_dir=tmp_path)
    monkeypatch.setitem(app.extensions, "policy-notify", replace(container, settings=settings))
    return settings


def publish(settings, queue, event_id):
    event = {
        "specversion": "1.0",
        "id": event_id,
        "type": "policy-notify.nothing",
        "source": "test",
    }
    body = {**event, "data": {"last_name": "Mushi"}}
    with open_broker(settings) as connection, connection.Producer() as producer:
        producer.publish(
            json.dumps(body).encode(),
            routing_key=queue.name,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            declare=[queue],
        )


def size(settings, queue):
    with open_broker(settings) as connection:
        bound = queue(connection.default_channel)
        bound.declare()
        return connection.default_channel.queue_declare(queue.name, passive=True).message_count


def test_dead_letter_is_listed_sent_again_and_dropped(console, csrf, broker):
    dead, alive = dead_letter_queue(events.QUEUE), durable_queue(events.QUEUE)
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    publish(broker, dead, first)
    publish(broker, dead, second)

    page = console("viewer").get(LETTERS).text
    assert first in page
    assert "policy-notify.nothing" in page
    assert "Mushi" not in page
    assert "Send again" not in page
    keys = [part.split('"')[0] for part in page.split('id="letter-')[1:]]
    assert len(keys) == 2
    operator = console("operator")
    assert "Send again" in operator.get(LETTERS).text

    assert operator.post(f"{LETTERS}{keys[0]}/replay/", data=csrf).status_code == 303
    assert (size(broker, dead), size(broker, alive)) == (1, 1)
    assert operator.post(f"{LETTERS}{keys[1]}/drop/", data=csrf).status_code == 303
    assert (size(broker, dead), size(broker, alive)) == (0, 1)
    assert "Every event was handled" in operator.get(LETTERS).text
    assert operator.post(f"{LETTERS}{keys[1]}/drop/", data=csrf).status_code == 404


@pytest.mark.parametrize(("role", "form"), [("viewer", True), ("operator", False)])
def test_dead_letters_need_the_role_and_the_forms_token(console, csrf, broker, role, form):
    dead = dead_letter_queue(events.QUEUE)
    publish(broker, dead, "1")
    for act in ("replay", "drop"):
        answer = console(role).post(f"{LETTERS}{'0' * 16}/{act}/", data=csrf if form else {})
        assert answer.status_code == 403
    assert size(broker, dead) == 1


def test_payments_are_listed_with_what_became_of_them(console, scheme, api, container):
    policy = scheme.policy(scheme.family())
    given = {"uuid": str(uuid.uuid4()), "event": "paid", "policies": [str(policy)]}
    api.post("payments/", {**given, "control_number": "991234567890"})
    api.post("payments/", {**given, "uuid": str(uuid.uuid4()), "event": "not_matched"})
    with container.database.writing() as session:
        one = session.scalars(select(PaymentNotice).where(PaymentNotice.type == "paid")).one()
        one.reason = "Nobody in the family has a phone number"

    viewer = console("viewer")
    page = viewer.get(f"{PAYMENTS}?type=paid").text
    assert f'id="payment-{one.id}"' in page
    assert "Nobody in the family has a phone number" in page
    assert "991234567890" not in page
    assert "<td>–</td>" in page
    assert viewer.get(PAYMENTS).text.count('id="payment-') == 2
    assert viewer.get(f"{PAYMENTS}?family=x").status_code == 422
    assert "not_matched" in viewer.get(f"{PAYMENTS}?format=csv").text
