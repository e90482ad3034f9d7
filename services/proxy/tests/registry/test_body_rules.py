"""Step 7: what a channel demands of a request body, and what a body that breaks it is told."""

import asyncio
import gzip
import json
import re
import time
import uuid
import zlib
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest
import zstandard
from common.http.endpoint import Endpoint
from common.web.json_schemas import compile_schema, json_pointer
from proxy.gateway.call import Body, Call
from proxy.gateway.rejections import (
    BodyBreaksSchema,
    BodyRequired,
    BodyRulesTooLarge,
    RejectedCall,
    UnsupportedContentCoding,
    UnsupportedContentType,
)
from proxy.gateway.routing_table import RoutedChannel
from proxy.registry.body_rules import (
    RULES_MAX_BYTES,
    check_body,
    media_type,
    read_bounded,
)


def zipped(data: bytes) -> bytes:
    """The same bytes at any time: they are part of the tests' names."""
    return gzip.compress(data, mtime=0)


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
        "request_body_schema": compile_schema(schema) if schema is not None else None,
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


def rejection(
    channel: RoutedChannel,
    body: bytes,
    method: str = "POST",
    content_type: str = "",
    encoding: str = "",
    rules_max_bytes: int = RULES_MAX_BYTES,
) -> RejectedCall | None:
    """What the body is refused for, if it is."""
    call = a_call(body, method, content_type, encoding)
    try:
        check_body(call, Body(body, len(body)), channel, rules_max_bytes)
    except RejectedCall as refused:
        return refused
    return None


def a_call(body: bytes, method: str, content_type: str = "", encoding: str = "") -> Call:
    given = {"Content-Type": content_type, "Content-Encoding": encoding}
    return Call(
        correlation_id=uuid.uuid4(),
        started_at=datetime.now(UTC),
        started_ns=time.perf_counter_ns(),
        method=method,
        raw_path="/a",
        raw_query="",
        headers={name: value for name, value in given.items() if value},
        address="127.0.0.1",
        host="hub.example",
        scheme="http",
        content_length=len(body),
        stream=None,
    )


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
    found = rejection(a_channel(requires_request_body=True), body, method)
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
    found = rejection(channel, b"{}", content_type=content_type)
    assert isinstance(found, UnsupportedContentType) is is_refused


def test_media_type_of_no_body_does_not_matter() -> None:
    assert rejection(a_channel(request_content_type="application/json"), b"") is None


def test_media_type_goes_before_the_schema() -> None:
    channel = a_channel(PERSON, request_content_type="application/json")
    assert isinstance(rejection(channel, b"{"), UnsupportedContentType)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "Asha"}',
        b'{"name": "Asha", "children": [{"name": "Juma"}]}',
        '{"name": "Náomi"}'.encode(),
        '{"name": "Náomi"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"name": "Asha"}',
        b'{"name": "A", "weight": 1' + b"0" * 400 + b"}",
        b'{"name": "A", "age": 12345678901234567890}',
        b"",
    ],
)
def test_body_that_keeps_the_schema_is_taken(body: bytes) -> None:
    assert rejection(a_channel(PERSON), body) is None


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        (b'{"age": 3}', "", '"name" is a required property'),
        (b"[]", "", 'is not of type "object"'),
        (b'{"name": 7}', "/name", 'is not of type "string"'),
        (b'{"name": "A", "age": -1}', "/age", "is less than the minimum of 0"),
        (b'{"name": "A", "children": [{"name": "B"}, {}]}', "/children/1", "required"),
        (b'{"name": "A", "a/b~c": 1}', "/a~1b~0c", 'not of type "string"'),
        (b"{", "", "not JSON"),
        (b"\xff\xff", "", "not JSON"),
        (b'{"name": "A", "weight": NaN}', "", "not JSON"),
        (b'{"name": "A", "weight": -Infinity}', "", "not JSON"),
        (b"[" * 50_000, "", "nested too deeply"),
        (b'{"name":"A","children":[' * 300 + b"]}" * 300, "", "nested too deeply"),
        (b'{"name": "A", "age": ' + b"9" * 5_000 + b"}", "", "not JSON"),
        (b'{"name": "A", "weight": 1e400}', "", "not JSON"),
        (b'{"name": "A", "size": 1', "", "not JSON: Expecting ',' delimiter"),
        (b'{"name": "\xff"}', "", "not JSON: no utf-8 at byte 10"),
    ],
)
def test_body_that_breaks_the_schema_is_told_where(body: bytes, pointer: str, reason: str) -> None:
    found = rejection(a_channel(PERSON), body)
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
    found = rejection(a_channel(PERSON), body)
    assert found is not None
    found.reason.encode()
    assert "\x00" not in found.reason
    assert len(found.reason) < 5_000


SECRET = "19900101-14121"
BROKEN: list[tuple[Any, Any]] = [
    ({"type": "object"}, SECRET),
    ({"items": {"type": "integer"}}, [1, SECRET]),
    ({"const": "a"}, SECRET),
    ({"enum": ["a", "b"]}, SECRET),
    ({"pattern": "^[a-z]+$"}, SECRET),
    ({"maxLength": 3}, SECRET),
    ({"uniqueItems": True}, [SECRET, SECRET]),
    ({"maxItems": 1}, [SECRET, SECRET]),
    ({"contains": {"type": "integer"}}, [SECRET]),
    ({"not": {"type": "string"}}, SECRET),
    ({"anyOf": [{"type": "integer"}, {"maxLength": 3}]}, SECRET),
    ({"oneOf": [{"type": "string"}, {"minLength": 3}]}, SECRET),
    ({"if": {"type": "string"}, "then": {"const": 1}}, SECRET),
    ({"properties": {"a": False}}, {"a": SECRET}),
    ({"dependentRequired": {"a": ["b"]}}, {"a": SECRET}),
    ({"unevaluatedItems": False}, [SECRET]),
    ({"unevaluatedProperties": False}, {"a": SECRET}),
    ({"properties": {"b": {}}, "additionalProperties": False}, {"a": SECRET}),
    ({"multipleOf": 7}, 1990010114121),
    ({"maximum": 7}, 1990010114121),
]


@pytest.mark.parametrize(("schema", "document"), BROKEN)
def test_reason_repeats_no_value_of_the_body(schema: Any, document: Any) -> None:
    found = rejection(a_channel(schema), json.dumps(document).encode())
    assert isinstance(found, BodyBreaksSchema)
    assert not re.search("19900101", f"{found.reason} {found.field_errors}")


# --- packed bodies, large bodies

LONGEST = {"maxProperties": 1, "additionalProperties": {"type": "string"}}
SMALL = b'{"a": "b"}'


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", zipped(SMALL)),
        ("gzip", zipped(SMALL[:4]) + zipped(SMALL[4:])),
        ("deflate", zlib.compress(SMALL)),
        ("br", brotli.compress(SMALL)),
        ("zstd", zstandard.compress(SMALL)),
        ("gzip, gzip", zipped(zipped(SMALL))),
        ("identity", SMALL),
        ("utf-8", SMALL),
    ],
)
def test_packed_body_is_checked_after_unpacking(encoding: str, packed: bytes) -> None:
    assert rejection(a_channel(LONGEST), packed, encoding=encoding) is None
    broken = rejection(a_channel({"type": "array"}), packed, encoding=encoding)
    assert isinstance(broken, BodyBreaksSchema)


@pytest.mark.parametrize(
    ("encoding", "packed", "kind"),
    [
        ("gzip", SMALL, BodyBreaksSchema),
        ("gzip", zipped(SMALL)[:-3], BodyBreaksSchema),
        ("gzip", zipped(b"x"), BodyBreaksSchema),
        ("compress", SMALL, UnsupportedContentCoding),
        ("gzip", zipped(b" " * RULES_MAX_BYTES + SMALL), BodyRulesTooLarge),
        ("zstd", zstandard.compress(b" " * RULES_MAX_BYTES + SMALL), BodyRulesTooLarge),
        ("", b" " * RULES_MAX_BYTES + SMALL, BodyRulesTooLarge),
        ("", b" " * (RULES_MAX_BYTES - len(SMALL)) + SMALL, type(None)),
    ],
)
def test_body_that_cannot_be_looked_into_is_told(
    encoding: str, packed: bytes, kind: type[Any]
) -> None:
    assert type(rejection(a_channel(LONGEST), packed, encoding=encoding)) is kind


def test_limit_of_the_rules_is_named_and_can_be_set() -> None:
    found = rejection(a_channel(LONGEST), SMALL, rules_max_bytes=4)
    assert isinstance(found, BodyRulesTooLarge)
    assert (found.status, found.is_failed_call) == (413, True)
    assert "4 bytes (BODY_RULES_MAX_BYTES)" in found.reason


def test_limit_does_not_matter_without_a_schema() -> None:
    assert rejection(a_channel(), b" " * (RULES_MAX_BYTES + 1)) is None


class Arriving:
    """The rest of a body: two pieces; counts those that were read."""

    def __init__(self) -> None:
        self.pieces = 0

    async def read(self) -> bytes:
        self.pieces += 1
        return b"y" * 100_000 if self.pieces <= 2 else b""


def test_streamed_body_is_refused_before_it_is_read() -> None:
    rest = Arriving()
    body = Body(b"x", RULES_MAX_BYTES + 1, rest, 10**9)
    with pytest.raises(BodyRulesTooLarge):
        asyncio.run(read_bounded(body, RULES_MAX_BYTES))
    assert rest.pieces == 0


def test_streamed_body_is_refused_once_it_is_too_large() -> None:
    rest = Arriving()
    body = Body(b"x", None, rest, 10**9)
    with pytest.raises(BodyRulesTooLarge):
        asyncio.run(read_bounded(body, 200_000))


def test_streamed_body_of_exactly_the_limit_is_read_whole() -> None:
    body = Body(b"x", None, Arriving(), 10**9)
    assert asyncio.run(read_bounded(body, 200_001)) == b"x" + b"y" * 200_000


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
