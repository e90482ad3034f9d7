"""Handing over to the notification service: over the queue, else over HTTP; each broker is real.

The peer on loopback behaves as the emit contract says.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from common.http import HttpClient, Timeouts
from common.jobs.broker import open_broker
from common.web.tokens import ClientCredentials
from kombu import Connection
from policy_notify.config import Settings
from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.models import NotificationType
from policy_notify.providers import Message
from policy_notify.providers import notification_service as module
from policy_notify.providers.notification_service import NotificationService

RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")
NOBODY = "amqp://guest:guest@127.0.0.1:9"


@dataclass
class Peer:
    """The notification service's door: issues a token, answers emits, drops repeated keys."""

    answer: tuple[int, dict[str, Any]] | None = None
    emitted: list[dict[str, Any]] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    port: int = 0

    def emit(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.answer is not None:
            return self.answer
        keys = {one["idempotency_key"] for one in self.emitted}
        if event["idempotency_key"] in keys:
            reason = "Duplicate idempotency key (already queued)"
            skipped = [{"reason": reason, "outbox_id": 1}]
            return 201, {"ok": True, "queued_count": 0, "skipped": skipped}
        self.emitted.append(event)
        return 201, {"ok": True, "queued_count": 1, "queued_outbox_ids": [1], "skipped": []}


@pytest.fixture
def peer() -> Iterator[Peer]:
    """The peer, listening."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/oauth/token":
                return self.reply(200, {"access_token": "t", "expires_in": 900})
            assert self.path == "/api/notification/emit/"
            peer.authorizations.add(self.headers["Authorization"])
            return self.reply(*peer.emit(json.loads(body)))

        def reply(self, status: int, answer: dict[str, Any]) -> None:
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    peer.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield peer
    server.shutdown()
    server.server_close()


def message() -> Message:
    return Message(
        uuid.uuid4(),
        NotificationType.EXPIRATION,
        uuid.uuid4(),
        uuid.uuid4(),
        "+255700000001",
        "sw",
        "Ndugu Asha",
        {"Name": "Asha"},
    )


@pytest.fixture
def service(tmp_path: Path, peer: Peer) -> NotificationService:
    """The provider over the embedded broker, with a way over HTTP."""
    client = HttpClient(Timeouts(connect_s=1, read_s=2))
    url = f"http://127.0.0.1:{peer.port}"
    settings = Settings(var_dir=tmp_path)
    return NotificationService(
        "policy_",
        lambda: open_broker(settings),
        url,
        client,
        ClientCredentials(f"{url}/oauth/token", "me", "secret", client),
    )


def without_broker(service: NotificationService, tmp_path: Path) -> NotificationService:
    settings = Settings(var_dir=tmp_path, rabbitmq_url=NOBODY)
    return replace(service, connect=lambda: open_broker(settings))


def taken_from(connection: Connection, queue: str) -> list[dict[str, Any]]:
    found = []
    with connection as opened:
        simple = opened.SimpleQueue(module.durable_queue(queue))
        while True:
            try:
                got = simple.get(timeout=1)
            except simple.Empty:
                return found
            found.append(json.loads(got.body))
            got.ack()


@pytest.mark.parametrize("broker", ["embedded", "rabbitmq"])
def test_event_is_on_the_queue_as_the_contract_says(
    service: NotificationService, tmp_path: Path, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = f"notification.emit.{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(module, "QUEUE", queue)
    settings = Settings(var_dir=tmp_path, rabbitmq_url=RABBITMQ if broker == "rabbitmq" else None)
    service = replace(service, connect=lambda: open_broker(settings))
    one = message()

    service.send(one)

    service._disconnect()
    (event,) = taken_from(open_broker(settings), queue)
    if broker == "rabbitmq":
        with open_broker(settings) as connection:
            for name in (queue, f"{queue}.dead"):
                connection.default_channel.queue_delete(name)
    assert event["id"] == str(one.id)
    assert event["specversion"] == "1.0"
    assert event["correlationid"] == str(one.id)
    assert event["data"] == {
        "event_code": "POLICY_EXPIRATION_OF_POLICY",
        "context": {"Name": "Asha"},
        "recipients": [
            {
                "user_id": str(one.family),
                "actor_type": "FAMILY",
                "to_phone": "+255700000001",
                "preferred_lang": "sw",
            }
        ],
        "idempotency_key": str(one.id),
        "entity_type": "policy",
        "entity_id": str(one.policy),
    }


def test_without_the_queue_it_goes_over_http_once(
    service: NotificationService, peer: Peer, tmp_path: Path
) -> None:
    service, one = without_broker(service, tmp_path), message()
    service.send(one)
    service.send(one)
    assert [event["idempotency_key"] for event in peer.emitted] == [str(one.id)]
    assert peer.authorizations == {"Bearer t"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"queued_count": 0, "skipped": [], "reason": "no_active_rule"}), "no_active_rule"),
        ((201, {"queued_count": 0, "skipped": [{"reason": "Blocked by user"}]}), "Blocked"),
        ((404, {"error": "Unknown or inactive event_code"}), "404"),
        ((503, {}), "503"),
    ],
)
def test_what_was_not_queued_is_not_taken(
    service: NotificationService,
    peer: Peer,
    tmp_path: Path,
    answer: tuple[int, dict[str, Any]],
    words: str,
) -> None:
    peer.answer = answer
    with pytest.raises(NotTaken, match=words):
        without_broker(service, tmp_path).send(message())


def test_without_queue_and_credentials_it_is_not_taken(
    service: NotificationService, tmp_path: Path
) -> None:
    service = replace(without_broker(service, tmp_path), credentials=None)
    with pytest.raises(NotTaken, match="no credentials"):
        service.send(message())


def test_publication_that_was_not_confirmed_may_be_taken(
    service: NotificationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is reached and breaks off, and nobody answers over HTTP."""

    def broken(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(NotificationService, "_publish", broken)
    with pytest.raises(MaybeTaken):
        replace(service, credentials=None).send(message())


def test_slow_answer_may_be_taken(
    service: NotificationService, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "emit", lambda _event: time.sleep(3))
    with pytest.raises(MaybeTaken):
        without_broker(service, tmp_path).send(message())
