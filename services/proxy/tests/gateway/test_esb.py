"""Calls to the bus: which mode and code, which payload digit for digit, and what came back."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from common.http import NotSent, OutcomeUnknown
from proxy.gateway.esb import EsbCall, EsbRelay, choose_code, judge, payload_text
from proxy.gateway.rejections import EsbBodyRejected
from proxy.gateway.routing_table import Registration

BOTH = Registration("NHIF", "A1", "P1")
PULL = Registration("NHIF", "A1", "")
PUSH = Registration("NHIF", "", "P1")
NONE = Registration("NHIF", "", "")


@pytest.mark.parametrize(
    ("asked", "registration", "mode", "code"),
    [
        ("", BOTH, "normal", "A1"),
        ("", PULL, "normal", "A1"),
        ("", PUSH, "push", "P1"),
        ("normal", BOTH, "normal", "A1"),
        ("push", BOTH, "push", "P1"),
        (" PuSh ", BOTH, "push", "P1"),
    ],
)
def test_mode_decides_the_code(
    asked: str, registration: Registration, mode: str, code: str
) -> None:
    assert choose_code(asked, registration) == (mode, code)


@pytest.mark.parametrize(
    ("asked", "registration", "reason"),
    [
        ("pull", BOTH, "must be normal or push"),
        ("normal,push", BOTH, "must be normal or push"),
        ("push", PULL, "has no push_code for mode push"),
        ("normal", PUSH, "has no api_code for mode normal"),
        ("", NONE, "has no push_code for mode push"),
    ],
)
def test_mode_without_a_code_is_refused(
    asked: str, registration: Registration, reason: str
) -> None:
    with pytest.raises(EsbBodyRejected, match=reason):
        choose_code(asked, registration)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        ("", "{}"),
        (" \n", "{}"),
        ("{}", "{}"),
        ('{"a": 1.50}', '{"a": 1.50}'),
        (' {"a":  1e3 }\n', '{"a":  1e3 }'),
        ('\ufeff{"a": 1}', '{"a": 1}'),
        ('{"requestdata": {"a": 1.0}}', '{"a": 1.0}'),
        ('{"requestdata": {}, "other": 1}', "{}"),
        ('{"requestdata": {"a":1}, "requestdata": {"a":2}}', '{"a":2}'),
        ('{"request\\u0064ata": { "a" : 12345678901234567890.10 }}', None),
        ('{"Requestdata": {"a": 1}}', '{"Requestdata": {"a": 1}}'),
        ('{"x": {"requestdata": {"a": 1}}}', '{"x": {"requestdata": {"a": 1}}}'),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ('{"a": "\\u00e9é"}', '{"a": "\\u00e9é"}'),
    ],
)
def test_payload_keeps_its_spelling(body: str, payload: str | None) -> None:
    expected = payload if payload is not None else '{ "a" : 12345678901234567890.10 }'
    assert payload_text(body.encode()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b"not JSON",
        b'{"a": 1',
        b'{"a": NaN}',
        b"\xff\xfe",
        b'{"a": "\xff"}',
        b'{"requestdata": []}',
        b'{"requestdata": null}',
        b'{"requestdata": "{}"}',
        b'{"requestdata": 1}',
        b'{"requestdata": {"a": 1}, "requestdata": 2}',
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
def test_what_is_no_payload_is_refused_with_the_reason(body: bytes) -> None:
    with pytest.raises(EsbBodyRejected, match="must be a JSON object"):
        payload_text(body)


# --- what esb-relay says


@pytest.mark.parametrize(
    ("status", "said", "error", "exchange_id"),
    [
        (200, {"success": True, "exchange_id": 7}, None, "7"),
        (200, {"success": True}, None, None),
        (200, {"success": False, "message": "no such person"}, "ESB: no such person", None),
        (200, {"success": "true"}, "ESB: the ESB reported a failure", None),
        (200, {"success": 1, "exchange_id": "x"}, "ESB: the ESB reported a failure", "x"),
        (200, [], "ESB: the ESB reported a failure", None),
        (502, {"error": "signature", "detail": "d"}, "ESB relay: signature", None),
        (422, {"detail": "d"}, "ESB relay: d", None),
        (500, {}, "ESB relay: esb-relay answered 500", None),
        (201, {"success": True}, "ESB relay: esb-relay answered 201", None),
    ],
)
def test_answer_of_the_relay_is_judged(
    status: int, said: Any, error: str | None, exchange_id: str | None
) -> None:
    body = json.dumps(said).encode()
    answer = judge(status, body)
    assert (answer.error, answer.exchange_id, answer.body) == (error, exchange_id, body)
    passed_on = 422 if status == 422 else 502
    assert answer.status == (200 if error is None else passed_on)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b'{"success": NaN}'])
def test_answer_that_cannot_be_read_is_a_failure(body: bytes) -> None:
    assert judge(200, body).status == 502


# --- over a socket


class Relay:
    """Takes one request and answers it with `raw`."""

    def __init__(self, raw: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.got, self._raw = b"", raw
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._server:
            sock, _ = self._server.accept()
        with sock:
            while not self.got.endswith(b"}}"):
                self.got += sock.recv(65536)
            sock.sendall(self._raw)

    def join(self) -> None:
        self._thread.join()


@pytest.fixture
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    opened = Relay(request.param)
    yield opened
    opened.join()


CALL = EsbCall("NHIF", "push", 'P"1', '{"a": 1.50}')


@pytest.mark.parametrize(
    "relay", [b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"success":true}'], indirect=True
)
def test_payload_is_pasted_into_the_request_to_the_relay(run: Any, relay: Relay) -> None:
    answer = run(EsbRelay(relay.url + "/", 5.0, lambda: "t1").relay(CALL, "correlation-1"))
    head, _, body = relay.got.partition(b"\r\n\r\n")
    assert answer.error is None
    assert body == b'{"mode":"push","code":"P\\"1","body":{"a": 1.50}}'
    assert head.startswith(b"POST /api/esb/relay/ HTTP/1.1\r\n")
    for line in (b"Authorization: Bearer t1", b"X-Correlation-Id: correlation-1"):
        assert line in head


@pytest.mark.parametrize("relay", [b""], indirect=True)
def test_relay_that_hangs_up_leaves_the_outcome_unknown(run: Any, relay: Relay) -> None:
    with pytest.raises(OutcomeUnknown):
        run(EsbRelay(relay.url, 5.0, lambda: "t1").relay(CALL, "correlation-1"))


def test_relay_that_is_away_got_nothing(run: Any) -> None:
    with pytest.raises(NotSent):
        run(EsbRelay("http://127.0.0.1:1", 5.0, lambda: "t1").relay(CALL, "correlation-1"))


@pytest.mark.parametrize("to", ["esb", "schema"])
def test_huge_body_is_refused_at_once_where_it_must_be_read_whole(
    served: Any, api: Any, mediator: dict[str, Any], to: str
) -> None:
    rules = {"request_body_schema": {"type": "object"}} if to == "schema" else {}
    channel = api.made("channels", **api.a_channel(mediator, path_pattern="/huge", **rules))
    client = api.made("clients", **api.a_client())
    if to == "esb":
        registered = {"organization": "TRA", "api_code": "a", "allow": None}
        api.made("registrations", channel_id=channel["id"], **registered)
    named = {"X-Client-Id": client["client_id"], "X-Client-Secret": client["client_secret"]}
    headers = {**named, "Content-Type": "application/json", "X-Organization": "TRA"}
    body = b"[" + b"[]," * 6_300_000 + b"[]]"
    began = time.process_time()
    refused = served.post("/huge", data=body, headers=headers)
    assert refused.status_code == 413, refused.text
    assert time.process_time() - began < 2
