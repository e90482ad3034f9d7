"""Messages served without Flask are answered as Flask's own route answers them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

#: A body whose length is not announced is Flask's.
BY_FLASK = {
    "CONTENT_LENGTH": "",
    "HTTP_TRANSFER_ENCODING": "chunked",
    "wsgi.input_terminated": True,
}
#: What differs from call to call.
OWN = {"exchange_id", "request_id", "correlation_id"}

GOOD = b'{"code":"DEMO","body":{"n":1.10}}'
REQUESTS: dict[str, dict[str, Any]] = {
    "verified": {"data": GOOD},
    "verified, of an organization": {"data": GOOD, "headers": {"X-Organization": "Wizara ya Afya"}},
    "business failure": {"data": b'{"code":"C!failure"}'},
    "unverifiable": {"data": b'{"code":"C!wrong-key"}'},
    "no answer": {"data": b'{"code":"C!cut-off"}'},
    "no JSON": {"data": b"{"},
    "no UTF-8": {"data": b'{"code":"\xff"}'},
    "another type": {"data": GOOD, "content_type": "text/plain"},
    "a type with a parameter": {"data": GOOD, "content_type": "Application/JSON; charset=utf-8"},
    "no type": {"data": GOOD, "content_type": ""},
    "unknown member": {"data": b'{"code":"DEMO","kode":1}'},
    "no code": {"data": b"{}"},
    "unsendable": {"data": b'{"code":"DEMO","format":"xml","body":{"a b":1}}'},
    "no such key": {"data": b'{"code":"DEMO","body":1,"encrypt_to":"nobody"}'},
    "no token": {"data": GOOD, "headers": {"Authorization": ""}},
    "bad token": {"data": GOOD, "headers": {"Authorization": "Bearer x.y.z"}},
    "no bearer": {"data": GOOD, "headers": {"Authorization": "Basic eDp5"}},
    "nothing": {"data": b""},
}


def told(answer: TestResponse) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = {name: value for name, value in json.loads(answer.text).items() if name not in OWN}
    headers = dict(answer.headers)
    for name in ("Content-Length", "X-Correlation-Id"):
        assert headers.pop(name)
    return answer.status_code, body, headers


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=list(REQUESTS))
def test_answer_is_the_same_with_and_without_flask(api: Any, asked: dict[str, Any]) -> None:
    asked = {"content_type": "application/json", **asked}
    direct, by_flask = (
        api.ask("POST", "relay/", environ_overrides=way, **asked) for way in ({}, BY_FLASK)
    )
    assert told(direct) == told(by_flask)


@pytest.mark.parametrize("way", [{}, BY_FLASK], ids=["direct", "by flask"])
@pytest.mark.parametrize("code", ["DEMO", "C!cut-off", ""])
def test_trail_is_followed(api: Any, way: dict[str, Any], code: str) -> None:
    answer = api.ask(
        "POST",
        "relay/",
        json={"code": code},
        headers={"X-Correlation-Id": "abcdefgh-1"},
        environ_overrides=way,
    )
    assert answer.headers["X-Correlation-Id"] == "abcdefgh-1"


def test_scope_is_demanded(app: Flask, api_of: Callable[..., Any]) -> None:
    assert api_of(app, "esb:crypto").relay().status_code == 403


def test_body_that_ends_early_is_no_message(api: Any) -> None:
    longer = {"CONTENT_LENGTH": str(len(GOOD) + 1)}
    asked = {"data": GOOD, "content_type": "application/json"}
    assert api.ask("POST", "relay/", environ_overrides=longer, **asked).status_code == 400


def test_body_that_is_too_large_is_refused(
    app_with: Callable[..., Flask], api_of: Callable[..., Any]
) -> None:
    api = api_of(app_with(body_max_bytes=100))
    assert api.relay(json.dumps("x" * 100)).status_code == 413


def test_fault_of_ours_is_a_problem(api: Any, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_args: object, **_options: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(app.extensions["esb-relay"].relay, "relay", fault)
    answer = api.relay()
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text
