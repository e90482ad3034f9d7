"""The eGA gateway's request to the byte, and what its answers mean; real sockets."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest
from common.http import HttpClient, Timeouts
from common.settings import SettingError
from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.models import NotificationType
from policy_notify.providers import Message
from policy_notify.providers.ega import EgaGateway

GIVEN = {
    "GateUrl": "http://127.0.0.1:9",
    "SmsResource": "/sms",
    "PrivateKey": "private_key",
    "UserId": "test_user_id",
    "SenderId": "sender_id",
    "ServiceId": "service_id",
    "RequestType": "api",
    "HeaderKeys": "X-Auth-Request-Hash,X-Auth-Request-Id,X-Auth-Request-Type",
    "HeaderValues": "HashMessage1,UserId,RequestType",
}
SENT_AT = datetime(2021, 7, 13, 8, 16, 34, tzinfo=UTC)
BODY = (
    r'{"data":"{\"message\":\"test\",\"datetime\":\"2021-07-13 11:16:34\",'
    r"\"sender_id\":\"sender_id\",\"mobile_service_id\":\"service_id\","
    r'\"recipients\":\"1\"}","datetime":"2021-07-13 11:16:34"}'
)
HASH = "lI/b3Yz3uIByNpQy+D2xcfBK5I9uoPUAE/sqtw1COxw="


def gateway(**changes: Any) -> EgaGateway:
    return EgaGateway.build({**GIVEN, **changes}, HttpClient(Timeouts(connect_s=0.5, read_s=0.5)))


def message(text: str = "test") -> Message:
    return Message(uuid4(), NotificationType.EXPIRATION, uuid4(), uuid4(), "1", "en", text, {})


def test_request_is_exactly_the_gateways() -> None:
    body, headers = gateway().request("1", "test", SENT_AT)
    assert body == BODY
    assert headers == {
        "X-Auth-Request-Hash": HASH,
        "X-Auth-Request-Id": "test_user_id",
        "X-Auth-Request-Type": "api",
        "Content-Type": "application/json",
    }


def test_private_key_never_travels() -> None:
    body, headers = gateway(HeaderValues="PrivateKey,UserId,RequestType").request(
        "1", "test", SENT_AT
    )
    assert headers["X-Auth-Request-Hash"] == HASH
    assert "private_key" not in body + json.dumps(headers)
    assert "private_key" not in repr(gateway())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PrivateKey": ""}, "PrivateKey"),
        ({"GateUrl": " "}, "GateUrl"),
        ({"HeaderValues": "SenderId,UserId,RequestType"}, "SenderId"),
        ({"HeaderKeys": "A,B"}, "HeaderKeys"),
        ({"Colour": "red"}, "Colour"),
        ({"UserId": "Łukasz"}, "UserId"),
        ({"RequestType": "a\nb"}, "RequestType"),
    ],
)
def test_bad_setting_stops_the_start_and_is_named(changes: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        gateway(**changes)


@pytest.fixture
def received() -> list[Any]:
    """What the gateway was sent: path, body, headers."""
    return []


@pytest.fixture
def answering(received: list[Any]) -> Iterator[Callable[[int, bytes], str]]:
    """A gateway on loopback that answers as told; gives its URL."""
    servers = []

    def start(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, sent, self.headers))
                if not status:
                    return self.close_connection_at_once()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return None

            def close_connection_at_once(self) -> None:
                self.connection.close()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_gateway_is_sent_these_very_bytes(
    answering: Callable[[int, bytes], str], received: list[Any]
) -> None:
    ega = replace(gateway(GateUrl=answering(200, b"{}")), now=lambda: SENT_AT)

    ega.send(message())

    ((path, body, headers),) = received
    assert (path, body) == ("/sms", BODY.encode())
    assert headers["X-Auth-Request-Hash"] == HASH
    assert headers["X-Auth-Request-Id"] == "test_user_id"
    assert headers["X-Auth-Request-Type"] == "api"
    assert headers["Content-Type"] == "application/json"
    assert b"private_key" not in body + bytes(headers)


@pytest.mark.parametrize("body", [b"{}", b'{"error":null}', b'{"error":false}'])
def test_json_object_without_a_true_error_is_a_success(
    answering: Callable[[int, bytes], str], body: bytes
) -> None:
    gateway(GateUrl=answering(200, body)).send(message())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"error":"no credit"}'),
        (200, b"<html>Maintenance</html>"),
        (200, b""),
        (200, b"[]"),
        (200, b'"ok"'),
        (202, b"{}"),
        (500, b""),
        (401, b""),
    ],
)
def test_anything_else_is_not_taken(
    answering: Callable[[int, bytes], str], status: int, body: bytes
) -> None:
    with pytest.raises(NotTaken):
        gateway(GateUrl=answering(status, body)).send(message())


@pytest.mark.parametrize("body", [b"<html>Maintenance</html>", b"", b"[]"])
def test_next_provider_gets_what_a_gateway_in_maintenance_answers_with_200(
    answering: Callable[[int, bytes], str],
    scheme: Any,
    runs: Any,
    provider: Any,
    today: date,
    body: bytes,
) -> None:
    scheme.due(scheme.family(), NotificationType.EXPIRATION)

    summary = runs.on(today, gateway(GateUrl=answering(200, body)), provider)

    assert len(provider.taken) == summary["sent"] == 1


def test_nobody_there_is_not_taken() -> None:
    with pytest.raises(NotTaken):
        gateway().send(message())


def test_no_answer_means_that_it_may_be_taken(answering: Callable[[int, bytes], str]) -> None:
    url = answering(0, b"")
    with pytest.raises(MaybeTaken):
        gateway(GateUrl=url).send(message())
