"""The gateway by itself: the status, the header and the members of every answer, over HTTP."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from esb_relay.demo.messages import Seal
from flask import Flask

GOOD = b'{"code":"DEMO","body":{"n":1.10}}'
RELAY = "/api/esb/relay/"
JSON, PROBLEM = "application/json", "application/problem+json"
PROBLEM_MEMBERS = {"ok", "error", "type", "title", "status", "detail", "correlation_id"}
OF_EXCHANGE = {"exchange_id", "outcome"}


class Asked:
    """An answer: its header without what differs from call to call."""

    def __init__(self, answer: tuple[int, list[tuple[str, str]], bytes]) -> None:
        self.status, fields, self.raw = answer
        self.headers = dict(fields)
        assert len(self.headers) == len(fields)
        assert self.headers.pop("Connection", "close") == "close"
        assert self.headers.pop("Content-Length") == str(len(self.raw))
        self.correlation_id = self.headers.pop("X-Correlation-Id")

    @property
    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.raw)
        return said


Ask = Callable[..., Asked]


@pytest.fixture
def ask(served: Any, api: Any) -> Ask:
    """`ask(GOOD, Accept="…")`: a message with these header fields; None leaves one out."""

    def send(body: Any = GOOD, method: str = "POST", path: str = RELAY, **given: Any) -> Asked:
        headers = {"Authorization": f"Bearer {api.token}", "Content-Type": JSON}
        headers |= {name.replace("_", "-"): value for name, value in given.items()}
        kept = {name: value for name, value in headers.items() if value is not None}
        return Asked(served.ask(method, path, body, kept))

    return send


#: What is sent, the status, words of the reason, and the fields that are named.
REFUSED: dict[str, tuple[dict[str, Any], int, str, set[str]]] = {
    "no JSON": ({"body": b"{"}, 400, "", set()),
    "no UTF-8": ({"body": b'{"code":"\xff"}'}, 400, "UTF-8", set()),
    "nothing": ({"body": b""}, 400, "", set()),
    "no object": ({"body": b"[]"}, 400, "", set()),
    "repeated member": ({"body": b'{"code":"C","code":"D"}'}, 400, "", set()),
    "another type": ({"Content_Type": "text/plain"}, 415, "Content-Type application/json", set()),
    "no type": ({"Content_Type": None}, 415, "Content-Type application/json", set()),
    "empty type": ({"Content_Type": ""}, 415, "Content-Type application/json", set()),
    "unknown member": ({"body": b'{"code":"DEMO","kode":1}'}, 422, "kode", {"kode"}),
    "no code": ({"body": b"{}"}, 422, "code", {"code"}),
    "unsendable": ({"body": b'{"code":"D","format":"xml","body":{"a b":1}}'}, 422, "", set()),
    "no such key": (
        {"body": b'{"code":"D","body":1,"encrypt_to":"nobody"}'},
        422,
        "nobody",
        {"encrypt_to"},
    ),
    "no token": ({"Authorization": None}, 401, "A bearer token is required", set()),
    "empty token": ({"Authorization": ""}, 401, "A bearer token is required", set()),
    "bad token": ({"Authorization": "Bearer x.y.z"}, 401, "The token is not valid", set()),
    "no bearer": ({"Authorization": "Basic eDp5"}, 401, "A bearer token is required", set()),
}


@pytest.mark.parametrize(
    ("given", "status", "reason", "fields"), REFUSED.values(), ids=list(REFUSED)
)
def test_rejection_is_a_problem_and_sends_nothing(
    ask: Ask, simulator: Any, given: dict[str, Any], status: int, reason: str, fields: set[str]
) -> None:
    answer = ask(**given)

    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    assert (answer.status, answer.headers) == (
        status,
        {"Content-Type": PROBLEM, "X-Content-Type-Options": "nosniff", **extra},
    )
    said = answer.body
    assert said.keys() == PROBLEM_MEMBERS | ({"errors"} if fields else set())
    assert said.get("errors", {}).keys() == fields
    assert (said["ok"], said["status"], said["error"]) == (False, status, said["detail"])
    assert said["correlation_id"] == answer.correlation_id
    assert reason in said["detail"]
    assert not simulator.bodies


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"X_Organization": "Wizara ya Afya"},
        {"Content_Type": "Application/JSON; charset=utf-8"},
        {"Content_Type": "application/vnd.x+json"},
        {"path": RELAY + "?a=b"},
        {"Authorization": None},
    ],
)
def test_verified_answer_has_every_member(ask: Ask, api: Any, given: dict[str, Any]) -> None:
    if "Authorization" in given:
        given = {"Authorization": f"bearer  {api.token}"}
    answer = ask(**given)

    assert (answer.status, answer.headers) == (
        200,
        {"Content-Type": JSON, "X-Content-Type-Options": "nosniff"},
    )
    said = answer.body
    assert list(said) == [
        "ok",
        "exchange_id",
        "request_id",
        "success",
        "message",
        "esb_body",
        "errors",
        "validation_errors",
        "verified_by",
    ]
    assert (said["ok"], said["success"], said["verified_by"]) == (True, True, "raw")
    assert b'"esb_body":{"n":1.1}' in answer.raw


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [("C!wrong-key", 502, "unverifiable"), ("C!cut-off", 504, "unknown")],
)
def test_answer_that_cannot_be_trusted_is_a_problem_with_its_exchange(
    ask: Ask, code: str, status: int, outcome: str
) -> None:
    answer = ask(json.dumps({"code": code}).encode())

    assert (answer.status, answer.headers) == (
        status,
        {"Content-Type": PROBLEM, "X-Content-Type-Options": "nosniff"},
    )
    assert answer.body.keys() == PROBLEM_MEMBERS | OF_EXCHANGE
    assert answer.body["correlation_id"] == answer.correlation_id
    assert (answer.body["outcome"], answer.body["status"]) == (outcome, status)


def test_organization_is_kept_as_it_was_meant(ask: Ask, api: Any) -> None:
    ask(X_Organization="Wizara ya Áfya".encode())
    (record,) = api.ask("GET", "exchanges/").get_json()["data"]
    assert record["organization"] == "Wizara ya Áfya"


@pytest.mark.parametrize("code", ["DEMO", "C!cut-off", ""])
def test_request_context_is_followed(ask: Ask, code: str) -> None:
    body = json.dumps({"code": code}).encode()
    assert ask(body, X_Correlation_Id="abcdefgh-1").correlation_id == "abcdefgh-1"
    assert ask(body).correlation_id != ask(body).correlation_id


def test_body_of_unknown_length_is_read(ask: Ask) -> None:
    answer = ask(iter([GOOD[:10], GOOD[10:]]))
    assert (answer.status, answer.body["success"]) == (200, True)


def test_scope_is_demanded(app: Flask, api_of: Callable[..., Any]) -> None:
    refused = api_of(app, "esb:crypto").relay()
    assert (refused.status_code, refused.content_type) == (403, PROBLEM)
    assert refused.get_json()["detail"] == "The token lacks the scope esb:relay"


def test_body_that_ends_early_is_no_message(served: Any, api: Any, simulator: Any) -> None:
    head = (
        f"POST {RELAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        f"Content-Type: {JSON}\r\nContent-Length: {len(GOOD) + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as caller:
        caller.sendall(head.encode() + GOOD)
        caller.shutdown(socket.SHUT_WR)
        answer = caller.recv(65_536)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert api.relay().status_code == 200
    assert len(simulator.bodies) == 1


@pytest.mark.parametrize("path", ["relay/", "inbound/r"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_that_is_too_large_is_refused(
    app_with: Callable[..., Flask], api_of: Callable[..., Any], path: str, is_chunked: bool
) -> None:
    api = api_of(app_with(body_max_bytes=100))
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": JSON}
    pieces = [b'{"code":"', b"x" * 100, b'"}']
    body = iter(pieces) if is_chunked else b"".join(pieces)
    answer = Asked(api.app.extensions["served"].ask("POST", f"/api/esb/{path}", body, headers))
    assert (answer.status, answer.headers["Content-Type"]) == (413, PROBLEM)
    assert "100 bytes" in answer.body["detail"]


def test_fault_of_ours_is_a_problem(ask: Ask, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(*_args: object, **_options: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(served.gateway._relay, "relay", fault)
    answer = ask()
    assert (answer.status, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert b"secret" not in answer.raw


@pytest.mark.parametrize("path", [RELAY, "/api/esb/inbound/r"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(ask: Ask, path: str, method: str) -> None:
    answer = ask(b"", method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (405, PROBLEM)
    assert "POST" in answer.headers["Allow"]


def test_what_is_no_http_is_refused(served: Any) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as caller:
        caller.sendall(b"POST /api/esb/relay/ HTTP/1.1\r\nHost x\r\n\r\n")
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        said = json.loads(answer.read())
        answer.close()
    assert (answer.status, answer.getheader("Content-Type")) == (400, PROBLEM)
    assert said["ok"] is False


def test_call_of_the_bus_is_answered_in_its_format(
    ask: Ask, api: Any, target: Any, esb_key: Any
) -> None:
    api.route(target=target.url)
    for data, type_ in (
        ('{"requestId":"R1"}', "application/json; charset=utf-8"),
        ("<data><requestId>R2</requestId></data>", "application/xml; charset=utf-8"),
    ):
        raw = Seal(esb_key).envelope(data)
        answer = ask(raw, path="/api/esb/inbound/r", Authorization=None)
        assert (answer.status, answer.headers) == (
            200,
            {"Content-Type": type_, "X-Content-Type-Options": "nosniff"},
        )


def test_health_and_metrics_are_told(served: Any) -> None:
    answers = {path: served.ask("GET", path) for path in ("/livez", "/readyz", "/metrics")}
    assert [status for status, _, _ in answers.values()] == [200, 200, 200]
    assert json.loads(answers["/readyz"][2]) == {"ok": True, "database": True}
    assert served.ask("GET", "/elsewhere")[0] == 404
