"""Answers in `application/json+openhim`: what the caller gets, what is kept, what is not read."""

import gzip
import json
from typing import Any

import pytest
from common.http.parsed_answer import MAX_HEAD_BYTES
from proxy.gateway.mediator_reports import MAX_BYTES, NotReadable, is_wrapped, unwrap

TYPE = ("Content-Type", "application/json+openhim")


def wrapped(**members: Any) -> bytes:
    return json.dumps({"response": {"status": 201, "body": "ok"}, **members}).encode()


def answered(response: str, status: int = 200) -> Any:
    return unwrap(status, [TYPE], f'{{"response": {response}}}'.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("application/json+openhim", True),
        ("Application/JSON+OpenHIM; charset=utf-8", True),
        ("application/json", False),
        ("text/plain; x=application/json+openhim", False),
    ],
)
def test_only_answers_of_that_type_are_wrapped(value: str, expected: bool) -> None:
    assert is_wrapped([("X", "json+openhim"), ("content-type", value)]) is expected


def test_caller_gets_the_response_and_the_record_the_rest() -> None:
    steps = [{"name": "a", "request": {"method": "GET"}}, "no step"]
    found = unwrap(
        200,
        [TYPE],
        wrapped(
            **{"x-mediator-urn": "urn:mediator:x"},
            status="Completed with error(s)",
            orchestrations=steps,
            properties={"patient": "17", "count": 2},
            error={"message": "boom", "stack": "at x"},
        ),
    )
    assert (found.status, found.body) == (201, b"ok")
    assert found.headers == [("Content-Type", "text/plain; charset=utf-8")]
    assert found.report.urn == "urn:mediator:x"
    assert found.report.status == "completed with errors"
    assert found.report.orchestrations == steps[:1]
    assert found.report.properties == {"patient": "17", "count": "2"}
    assert found.report.reason == "boom"


def test_headers_of_the_response_are_passed_on_less_its_framing() -> None:
    found = answered(
        json.dumps(
            {
                "status": 200,
                "headers": {
                    "content-type": "text/xml",
                    "Set-Cookie": ["a=1", "b=2"],
                    "X-Name": "Zoë",
                    "X-Number": 7,
                    "Content-Encoding": "gzip",
                    "Content-Length": "99",
                    "bad name": "x",
                    "X-Split": "a\r\nEvil: 1",
                },
                "body": "<a/>",
            }
        )
    )
    assert found.headers == [
        ("content-type", "text/xml"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Name", "Zoë".encode().decode("latin-1")),
        ("X-Number", "7"),
    ]


def test_a_body_that_is_json_keeps_its_spelling() -> None:
    body = '{"amount": 1.10, "id": 12345678901234567890}'
    found = answered(f'{{"status": 200, "body": {body}}}')
    assert found.body == body.encode()
    assert found.headers == [("Content-Type", "application/json")]


def test_a_body_is_written_in_the_charset_that_its_type_names() -> None:
    latin = '{"headers": {"Content-Type": "text/plain; charset=iso-8859-1"}, "body": "Zoë Ł"}'
    assert answered(latin.replace(" Ł", "")).body == "Zoë".encode("latin-1")
    assert answered(latin).body == "Zoë Ł".encode()


@pytest.mark.parametrize(("response", "status"), [('{"status": "404"}', 404), ("{}", 203)])
def test_status_is_the_responses_else_the_answers(response: str, status: int) -> None:
    found = answered(response, 203)
    assert (found.status, found.body, found.headers) == (status, b"", [])


def test_an_answer_without_content_has_none() -> None:
    assert answered('{"status": 204, "body": "left over"}').body == b""


def test_packed_answers_are_unpacked() -> None:
    headers = [TYPE, ("Content-Encoding", "gzip")]
    assert unwrap(200, headers, gzip.compress(wrapped())).body == b"ok"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b"{}",
        b'{"response": "ok"}',
        b'{"response": {"status": 99}}',
        b'{"response": {"status": true}}',
        b'{"response": {"status": "many"}}',
        b'{"response": {"body": NaN}}',
        b'{"response": {"body": "\\ud800"}}',
        b'{"response": {}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"response": {"body": "\xff"}}',
    ],
)
def test_what_is_not_readable_is_said(body: bytes) -> None:
    with pytest.raises(NotReadable):
        unwrap(200, [TYPE], body)


def test_a_small_answer_may_not_become_a_huge_one() -> None:
    packed = gzip.compress(b" " * (MAX_BYTES + 1))
    with pytest.raises(NotReadable, match="larger"):
        unwrap(200, [TYPE, ("Content-Encoding", "gzip")], packed)


def test_headers_that_do_not_fit_into_an_answer_are_said() -> None:
    value = "x" * (MAX_HEAD_BYTES - len("X-Long") - 4)
    assert answered(json.dumps({"headers": {"X-Long": value}})).headers == [("X-Long", value)]
    with pytest.raises(NotReadable, match="headers` are larger"):
        answered(json.dumps({"headers": {"X-Long": value + "x"}}))
