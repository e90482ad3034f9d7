"""What clients of the Django mediator send and read is taken and answered as they know it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import FormerRecord
from raw_mediator import RawMediator, answer

FORMER_NUMBER = 12


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def channel(api: Any, container: Container, upstream: RawMediator) -> dict[str, Any]:
    """A channel for GET and POST, with the number that it had at the mediator."""
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=f"{upstream.url}/base/"))
    made: dict[str, Any] = api.made(
        "channels", **api.a_channel(mediator, path_pattern="/patients*", methods=["get", "POST"])
    )
    former = {"kind": "channel", "former_id": str(FORMER_NUMBER), "digest": "x"}
    with container.database.writing() as session:
        session.add(FormerRecord(record_id=uuid.UUID(made["id"]), **former))
    return made


@pytest.fixture
def headers(api: Any, channel: dict[str, Any]) -> dict[str, str]:
    """The credentials of a client."""
    made = api.made("clients", **api.a_client())
    return {"X-Client-Id": "clinic", "X-Client-Secret": made["client_secret"]}


def state_of(served: Any, call: Any, headers: dict[str, str]) -> dict[str, Any]:
    """How a call stands, in the mediator's envelope."""
    path = f"/transactions/{call.headers['X-Correlation-Id']}/"
    found: dict[str, Any] = served.get(path, headers=headers).json()
    data: dict[str, Any] = found["data"]
    assert found == {"ok": True, "data": data, **data}
    return data


def test_a_calls_state_is_in_an_envelope_and_says_where_the_call_went(
    served: Any, headers: dict[str, str], upstream: RawMediator
) -> None:
    call = served.get("/patients/17?ASYNC=false&full=1&token=abc", headers=headers)
    assert call.status_code == 200
    state = state_of(served, call, headers)
    assert (state["status"], state["error_message"]) == ("successful", "")
    assert state["request_url"] == f"{upstream.url}/base/patients/17?full=1&token=***"
    assert upstream.received[-1].target == "/base/patients/17?full=1&token=abc"


def test_a_state_says_what_the_mediator_answered(
    served: Any, headers: dict[str, str], upstream: RawMediator
) -> None:
    upstream.default = answer(b"broken", "500 Internal Server Error")
    call = served.get("/patients/17", headers=headers)
    state = state_of(served, call, headers)
    assert (call.status_code, state["status"]) == (500, "failed")
    assert state["error_message"] == "The mediator answered 500"


def test_an_unknown_call_is_named_as_it_was_asked_for(served: Any, headers: dict[str, str]) -> None:
    asked = str(uuid.uuid4())
    missing = served.get(f"/transactions/{asked}/", headers=headers)
    assert (missing.status_code, missing.json()["correlation_id"]) == (404, asked)
    assert missing.json()["ok"] is False


def test_a_cut_body_has_a_mark_and_its_whole_length(
    served: Any, api: Any, headers: dict[str, str], upstream: RawMediator
) -> None:
    sent, got = "é" * 30_000, "b" * 20_001
    upstream.default = answer(got.encode(), "200 OK", "Content-Type: text/plain")
    typed = {**headers, "Content-Type": "text/plain; charset=utf-8"}
    call = served.post("/patients", data=sent.encode(), headers=typed)
    state = state_of(served, call, headers)
    assert state["response_body"] == "b" * 20_000 + "… [shortened]"
    assert (state["request_body_length"], state["response_body_length"]) == (60_000, 20_001)
    record = api.get(f"transactions/{call.headers['X-Correlation-Id']}/").get_json()
    assert record["request_body"] == "é" * 20_000 + "… [shortened]"
    assert record["data"] == {key: record[key] for key in record if key not in ("ok", "data")}
    assert (record["request_body_length"], record["response_body_length"]) == (60_000, 20_001)
    assert record["mediator_url"] == f"{upstream.url}/base"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, "GET /base/patients HTTP/1.1"),
        ({"channel_id": str(FORMER_NUMBER)}, "GET /base/patients HTTP/1.1"),
        ({"method": "post", "body": {"a": 1}}, "POST /base/patients HTTP/1.1"),
        ({"path": "patients/17", "query": None}, "GET /base/patients/17 HTTP/1.1"),
        ({"query": "a=1&a=2"}, "GET /base/patients?a=1&a=2 HTTP/1.1"),
        (
            {"query": {"q": "a b", "n": 1, "is": True, "no": None, "all": ["x", 2]}},
            "GET /base/patients?q=a+b&n=1&is=true&all=x&all=2 HTTP/1.1",
        ),
        ({"async": "false", "colour": "red"}, "GET /base/patients HTTP/1.1"),
        (
            {"method": None, "path": None, "headers": None, "content_type": None, "body": None,
             "async": None, "organization": None, "esb_mode": None},
            "GET /base/patients HTTP/1.1",
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_call_by_number_is_taken_as_the_mediator_took_it(
    served: Any,
    headers: dict[str, str],
    upstream: RawMediator,
    given: dict[str, Any],
    sent: str,
) -> None:
    call = served.post(
        "/integration/call", json={"channel_id": FORMER_NUMBER, **given}, headers=headers
    )
    assert call.status_code == 200, call.text
    assert upstream.received[-1].request_line == sent


@pytest.mark.parametrize("asked", [True, "true", 1])
def test_a_call_by_number_that_need_not_be_waited_for(
    served: Any, headers: dict[str, str], asked: object
) -> None:
    given = {"channel_id": FORMER_NUMBER, "async": asked}
    call = served.post("/integration/call", json=given, headers=headers)
    assert (call.status_code, call.json()["accepted"]) == (202, True)
    given["async"] = False
    preferring = {**headers, "Prefer": "respond-async"}
    assert served.post("/integration/call", json=given, headers=preferring).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"method": "FETCH"}, "method"),
        ({"path": "/a/../b"}, "path"),
        ({"query": {"a": {"b": 1}}}, "query"),
        ({"query": {"a": "\x00"}}, "query"),
        ({"async": "perhaps"}, "async"),
        ({"channel_id": True}, "channel_id"),
    ],
)
def test_what_cannot_be_meant_is_still_refused(
    served: Any, headers: dict[str, str], wrong: dict[str, Any], member: str
) -> None:
    given = {"channel_id": FORMER_NUMBER, **wrong}
    refused = served.post("/integration/call", json=given, headers=headers)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, [member])


def test_the_index_says_what_the_mediators_did(app: Any) -> None:
    index = app.test_client().get("/").get_json()
    assert index["status"] == "ok"
    assert index["service"] == "kiungo"
    assert index["endpoints"]["health"] == "/health/"
