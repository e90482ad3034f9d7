"""Webhooks: set up, sealed, signed so that `standardwebhooks` verifies them, stopped by 410."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from common.outbound import ANYWHERE, OutboundRules, rules
from notification.container import Container
from notification.models import ChannelCode, MessageStatus, Webhook
from notification.outbox.engine import Outbox
from notification.outbox.reconciling import Reconciler
from notification.transports.webhook import AGAIN, WebhookTransport
from raw_mediator import RawMediator, answer, raw_answer
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook as Receiver

WEBHOOK = [ChannelCode.WEBHOOK]
SYSTEM = {"user_id": "licences", "actor_type": "SYSTEM"}


@pytest.fixture
def listener() -> Iterator[RawMediator]:
    """Where the recipient listens."""
    server = RawMediator()
    yield server
    server.close()


@dataclass
class Hooks:
    """A recipient with a webhook, an event that tells it, and an outbox that brings it there."""

    container: Container
    api: Any
    client: Any
    listener: RawMediator
    id: str = ""
    secret: str = ""

    def set_up(self) -> None:
        made = self.api.post("webhooks/", {**SYSTEM, "url": f"{self.listener.url}/hook"})
        assert made.status_code == 201, made.text
        self.id, self.secret = made.get_json()["id"], made.get_json()["secret"]
        self.client.rule(ChannelCode.WEBHOOK)
        self.client.template(ChannelCode.WEBHOOK, "Licence {number}", subject="Issued")

    def outbox(self, allowed: OutboundRules = ANYWHERE) -> Outbox:
        assert self.container.webhooks is not None
        transport = WebhookTransport(self.container.webhooks, allowed)
        return Outbox(self.container.database, {ChannelCode.WEBHOOK: transport}, 30.0)

    def sent(self, outbox: Outbox) -> MessageStatus:
        (done,) = outbox.process(WEBHOOK, 10)
        outbox._transports[ChannelCode.WEBHOOK].close()
        return done.status

    def emit(self) -> None:
        self.client.emit(SYSTEM, context={"number": 7}, entity_type="licence", entity_id="L-7")

    def stored(self) -> Webhook:
        with self.container.database.reading() as session:
            return session.scalars(select(Webhook)).one()


@pytest.fixture
def hooks(
    container: Container,
    api: Any,
    client: Any,
    listener: RawMediator,
) -> Hooks:
    hooks = Hooks(container, api, client, listener)
    hooks.set_up()
    return hooks


def says(listener: RawMediator, status: str, *headers: str) -> None:
    listener.default = answer(b"", status, *headers)


def test_a_request_is_signed_as_standard_webhooks_want_it(hooks: Hooks) -> None:
    hooks.emit()
    assert hooks.sent(hooks.outbox()) is MessageStatus.DELIVERED
    (got,) = hooks.listener.received
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: got.header(name)[0] for name in names}
    payload = Receiver(hooks.secret).verify(got.body, headers)
    assert payload["type"] == "LICENCE_ISSUED"
    assert payload["data"] == {
        "subject": "Issued",
        "text": "Licence 7",
        **SYSTEM,
        "entity_type": "licence",
        "entity_id": "L-7",
    }
    assert headers["webhook-id"].startswith("msg_")


def test_the_secret_rests_sealed_and_is_told_once(hooks: Hooks, container: Container) -> None:
    seal = container.settings.required_webhook_seal
    raw = base64.b64decode(hooks.secret.removeprefix("whsec_"))
    stored = hooks.stored()
    person = stored.user_id, stored.actor_type
    assert raw not in stored.sealed_secret
    assert seal.open(person, stored.sealed_secret) == raw
    assert seal.open(("somebody", "SYSTEM"), stored.sealed_secret) is None
    shown = hooks.api.get(f"webhooks/{hooks.id}/").get_json()
    assert "secret" not in json.dumps(shown)
    renewed = hooks.api.post(f"webhooks/{hooks.id}/secret/").get_json()["secret"]
    assert renewed.startswith("whsec_")
    assert renewed != hooks.secret
    assert seal.open(person, hooks.stored().sealed_secret) != raw


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("204 Done", MessageStatus.DELIVERED),
        ("410 Gone", MessageStatus.FAILED),
        ("404 Nothing here", MessageStatus.FAILED),
        ("302 Elsewhere", MessageStatus.FAILED),
        ("503 Later", MessageStatus.FAILED),
    ],
    ids=lambda value: value[:3],
)
def test_what_an_answer_means(hooks: Hooks, status: str, wanted: MessageStatus) -> None:
    says(hooks.listener, status, "Retry-After: 600")
    hooks.emit()
    assert hooks.sent(hooks.outbox()) is wanted
    (message,) = hooks.client.queued()
    is_gone = status.startswith("410")
    assert message.is_final is (is_gone or wanted is MessageStatus.DELIVERED)
    assert hooks.stored().is_active is not is_gone
    assert (hooks.stored().stopped_reason is None) is not is_gone


def test_a_webhook_that_is_gone_is_asked_no_more_until_it_is_used_again(hooks: Hooks) -> None:
    says(hooks.listener, "410 Gone")
    hooks.emit()
    hooks.sent(hooks.outbox())
    (skip,) = hooks.client.emit(SYSTEM, context={"number": 8})["skipped"]
    assert skip["reason"] == "No webhook in use for this recipient"
    again = hooks.api.patch(f"webhooks/{hooks.id}/", {"is_active": True}).get_json()
    assert (again["is_active"], again["stopped_reason"]) == (True, None)
    assert hooks.client.emit(SYSTEM, context={"number": 9})["queued_count"] == 1


def test_a_request_that_was_not_answered_goes_out_again_under_its_id(hooks: Hooks) -> None:
    hooks.listener.default = raw_answer(b"", close=True)
    hooks.emit()
    assert hooks.sent(hooks.outbox()) is MessageStatus.UNKNOWN
    says(hooks.listener, "200 OK")
    outbox = hooks.outbox()
    second = timedelta(seconds=30)
    reconciler = Reconciler(hooks.container.database, lease=second, wait=second)
    assert reconciler.step(outbox._transports[ChannelCode.WEBHOOK]) == 1
    (message,) = hooks.client.queued()
    assert (message.status, message.is_final) == (MessageStatus.FAILED, False)
    assert message.last_error == AGAIN
    with hooks.container.database.writing() as session:
        session.get_one(type(message), message.id).next_attempt_at = message.created_at
    assert hooks.sent(outbox) is MessageStatus.DELIVERED
    ids = [one.header("webhook-id")[0] for one in hooks.listener.received]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_an_address_that_may_not_be_called_is_not(hooks: Hooks) -> None:
    hooks.emit()
    denied = OutboundRules(deny=rules("127.0.0.0/8"))
    assert hooks.sent(hooks.outbox(denied)) is MessageStatus.FAILED
    (message,) = hooks.client.queued()
    assert message.is_final
    assert "OUTBOUND_DENY" in message.last_error
    assert hooks.listener.received == []


@pytest.mark.parametrize(
    "url", ["ftp://hooks.example.org/", "https://u:p@hooks.example.org/", "hooks.example.org"]
)
def test_what_is_no_address_is_refused(hooks: Hooks, url: str) -> None:
    refused = hooks.api.post("webhooks/", {"user_id": "x", "actor_type": "SYSTEM", "url": url})
    assert refused.status_code == 422
    assert list(refused.get_json()["errors"]) == ["url"]


def test_only_administrators_set_it_and_a_recipient_has_one(hooks: Hooks, api_with: Any) -> None:
    given = {**SYSTEM, "url": "https://hooks.example.org/b"}
    assert hooks.api.post("webhooks/", given).status_code == 409
    other = {**given, "user_id": "other"}
    assert (
        api_with("notification:read notification:emit").post("webhooks/", other).status_code == 403
    )
    assert hooks.api.get("webhooks/", user_id="licences").get_json()["count"] == 1


def test_without_a_seal_there_are_none(
    container: Container, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(container.settings), "webhook_seal", None)
    refused = api.post("webhooks/", {**SYSTEM, "url": "https://hooks.example.org/"})
    assert refused.status_code == 409
    assert "NOTIFICATION_WEBHOOK_SECRET" in refused.get_json()["error"]


def test_the_page_shows_a_new_secret_once(console: Any, csrf: dict[str, str]) -> None:
    home, admin = "/admin/notification/webhooks/", console("admin")
    given = {**csrf, **SYSTEM, "url": "https://hooks.example.org/a"}
    made = admin.post(f"{home}new/", data=given)
    assert "whsec_" in made.text
    page = console("viewer").get(home).text
    assert "https://hooks.example.org/a" in page
    assert "whsec_" not in page
    assert "This recipient has a webhook." in admin.post(f"{home}new/", data=given).text
    assert console("operator").post(f"{home}new/", data=given).status_code == 403
