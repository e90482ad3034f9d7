"""Step 7: what a channel demands of a request body, and what a body that breaks it is told."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from common.json_schemas import json_pointer
from common.upstream import Endpoint
from jsonschema.validators import validator_for
from proxy.gateway.body_rules import check_body, media_type
from proxy.gateway.call import Body, Call
from proxy.gateway.refusals import (
    BodyBreaksSchema,
    BodyRequired,
    Refusal,
    UnsupportedContentType,
)
from proxy.gateway.routing_table import RoutedChannel

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "weight": {"multipleOf": 0.1},
        "children": {"type": "array", "items": {"$ref": "#"}},
        "a/b~c": {"type": "string"},
    },
    "additionalProperties": {"type": "string"},
}


def a_channel(schema: Any = None, **changes: Any) -> RoutedChannel:
    known: dict[str, Any] = {
        "requires_request_body": False,
        "request_content_type": "",
        "request_body_schema": validator_for(schema)(schema) if schema is not None else None,
    }
    return RoutedChannel(
        id=uuid.uuid4(),
        name="Patients",
        pattern="/a",
        endpoint=Endpoint.parse("http://h"),
        allow=frozenset(),
        timeout_s=1,
        store_request_body=True,
        store_response_body=True,
        keep_whole_bodies=False,
        requires_tls=False,
        registrations={},
        **{**known, **changes},
    )


def refusal(
    channel: RoutedChannel, body: bytes, method: str = "POST", content_type: str = ""
) -> Refusal | None:
    """What the body is refused for, if it is."""
    call = Call(
        correlation_id=uuid.uuid4(),
        started_at=datetime.now(UTC),
        started_ns=time.perf_counter_ns(),
        method=method,
        raw_path="/a",
        raw_query="",
        headers={"Content-Type": content_type} if content_type else {},
        address="127.0.0.1",
        host="hub.example",
        scheme="http",
        content_length=len(body),
        stream=None,
    )
    try:
        check_body(call, Body(body, len(body)), channel)
    except Refusal as refused:
        return refused
    return None


@pytest.mark.parametrize(
    ("method", "body", "is_refused"),
    [
        ("POST", b"", True),
        ("POST", b"x", False),
        ("PUT", b"", True),
        ("PATCH", b"", True),
        ("DELETE", b"", True),
        ("GET", b"", False),
        ("HEAD", b"", False),
        ("OPTIONS", b"", False),
    ],
)
def test_body_may_be_required(method: str, body: bytes, is_refused: bool) -> None:
    found = refusal(a_channel(requires_request_body=True), body, method)
    assert isinstance(found, BodyRequired) is is_refused


@pytest.mark.parametrize(
    ("content_type", "is_refused"),
    [
        ("application/json", False),
        ("Application/JSON ; charset=utf-8", False),
        ("application/json;", False),
        ("application/jsonx", True),
        ("text/plain", True),
        ("", True),
    ],
)
def test_media_type_may_be_demanded(content_type: str, is_refused: bool) -> None:
    channel = a_channel(request_content_type="application/json")
    found = refusal(channel, b"{}", content_type=content_type)
    assert isinstance(found, UnsupportedContentType) is is_refused


def test_media_type_of_no_body_does_not_matter() -> None:
    assert refusal(a_channel(request_content_type="application/json"), b"") is None


def test_media_type_goes_before_the_schema() -> None:
    channel = a_channel(PERSON, request_content_type="application/json")
    assert isinstance(refusal(channel, b"{"), UnsupportedContentType)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "Asha"}',
        b'{"name": "Asha", "children": [{"name": "Juma"}]}',
        '{"name": "Náomi"}'.encode(),
        '{"name": "Náomi"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"name": "Asha"}',
        b"",
    ],
)
def test_body_that_keeps_the_schema_is_taken(body: bytes) -> None:
    assert refusal(a_channel(PERSON), body) is None


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        (b'{"age": 3}', "", "'name' is a required property"),
        (b"[]", "", "[] is not of type 'object'"),
        (b'{"name": 7}', "/name", "7 is not of type 'string'"),
        (b'{"name": "A", "age": -1}', "/age", "-1 is less than the minimum of 0"),
        (b'{"name": "A", "children": [{"name": "B"}, {}]}', "/children/1", "required"),
        (b'{"name": "A", "a/b~c": 1}', "/a~1b~0c", "not of type 'string'"),
        (b"{", "", "not JSON"),
        (b"\xff\xff", "", "not JSON"),
        (b'{"name": "A", "weight": NaN}', "", "not JSON"),
        (b'{"name": "A", "weight": -Infinity}', "", "not JSON"),
        (b"[" * 50_000, "", "nested too deeply"),
        (b'{"name":"A","children":[' * 300 + b"]}" * 300, "", "nested too deeply"),
        (b'{"name": "A", "age": ' + b"9" * 5_000 + b"}", "", "not JSON"),
        (b'{"name": "A", "weight": 1e400}', "", "not JSON"),
        (b'{"name": "A", "weight": 1' + b"0" * 400 + b"}", "", "a number is too large"),
    ],
)
def test_body_that_breaks_the_schema_is_told_where(body: bytes, pointer: str, reason: str) -> None:
    found = refusal(a_channel(PERSON), body)
    assert isinstance(found, BodyBreaksSchema)
    assert found.field_errors is not None
    assert list(found.field_errors) == [pointer]
    assert reason in found.reason


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "A", "\\ud800": 1}',
        b'{"name": "A", "\\u0000": 1}',
        b'{"name": ["' + b"x" * 100_000 + b'"]}',
        b'{"name": "A", "' + b"k" * 100_000 + b'": 1}',
    ],
    ids=["lone surrogate", "NUL", "long value", "long name"],
)
def test_reason_can_be_recorded_whatever_the_body_holds(body: bytes) -> None:
    found = refusal(a_channel(PERSON), body)
    assert found is not None
    found.reason.encode()
    assert "\x00" not in found.reason
    assert len(found.reason) < 5_000


@pytest.mark.parametrize(
    ("path", "pointer"),
    [([], ""), (["a", 0, "b"], "/a/0/b"), (["~/"], "/~0~1"), ([""], "/")],
)
def test_pointer_is_rfc_6901(path: list[str | int], pointer: str) -> None:
    assert json_pointer(path) == pointer


@pytest.mark.parametrize(
    ("content_type", "media"), [("", ""), (" Text/HTML ; a=b;c", "text/html"), (";", "")]
)
def test_parameters_of_a_media_type_are_ignored(content_type: str, media: str) -> None:
    assert media_type(content_type) == media
