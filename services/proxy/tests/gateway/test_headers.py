"""Which headers travel on, which stay behind, which are masked; and the query, less one name."""

from typing import Any

import pytest
from proxy.gateway.headers import answered_headers, forwarded_headers, request_head
from proxy.gateway.rejections import Unreadable
from proxy.record.headers import readable_headers, recorded_headers

# --- to the mediator


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Te",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Host",
        "Authorization",
        "Content-Length",
        "Expect",
        "X-Async",
        "X-Client-Id",
        "X-Client-Secret",
        "X-Correlation-Id",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Real-Ip",
    ],
)
def test_header_stays_behind(name: str) -> None:
    assert forwarded_headers({"Accept": "*/*", name: "x"}, is_async=False) == [("Accept", "*/*")]


@pytest.mark.parametrize(
    "name",
    [
        "Accept-Encoding",
        "Content-Type",
        "Content-Encoding",
        "Idempotency-Key",
        "Traceparent",
        "X-Custom",
        "X-Organization",
        "Range",
    ],
)
def test_header_travels_on(name: str) -> None:
    assert forwarded_headers({name: "x"}, is_async=False) == [(name, "x")]


def test_order_is_kept() -> None:
    given = {"B": "1", "Host": "h", "A": "2", "C": "3"}
    assert forwarded_headers(given, is_async=False) == [("B", "1"), ("A", "2"), ("C", "3")]


@pytest.mark.parametrize("listed", ["X-Hop", "x-hop", "close, X-HOP ,keep-alive", ",x-hop,,"])
def test_header_that_connection_names_stays_behind(listed: str) -> None:
    given = {"Connection": listed, "X-Hop": "1", "X-End": "2"}
    assert forwarded_headers(given, is_async=False) == [("X-End", "2")]


@pytest.mark.parametrize(("is_async", "kept"), [(False, [("Prefer", "wait=5")]), (True, [])])
def test_preference_of_an_asynchronous_call_was_for_the_hub(
    is_async: bool, kept: list[tuple[str, str]]
) -> None:
    assert forwarded_headers({"Prefer": "wait=5"}, is_async=is_async) == kept


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("a=1; b=2", "a=1; b=2"),
        ("kiungo_session=s", None),
        ("kiungo_session=s; theirs=1", "theirs=1"),
        ("theirs=1;kiungo_csrf=x;  mine=2", "theirs=1; mine=2"),
        ("not_kiungo_session=1", "not_kiungo_session=1"),
        ("a=kiungo_session=1", "a=kiungo_session=1"),
        ('a="x', 'a="x'),
    ],
)
def test_cookies_of_the_console_stay_behind(cookie: str, kept: str | None) -> None:
    expected = [] if kept is None else [("Cookie", kept)]
    assert forwarded_headers({"Cookie": cookie}, is_async=False) == expected


@pytest.mark.parametrize(
    ("method", "length", "line"),
    [
        ("GET", 0, None),
        ("HEAD", 0, None),
        ("DELETE", 0, None),
        ("GET", 3, "Content-Length: 3"),
        ("POST", 0, "Content-Length: 0"),
        ("PATCH", 7, "Content-Length: 7"),
        ("POST", None, "Transfer-Encoding: chunked"),
    ],
)
def test_head_says_how_the_body_comes(method: str, length: int | None, line: str | None) -> None:
    head = request_head(method, "/a?b=%20", "h:1", [("A", "1"), ("B", "é")], length)
    lines = [f"{method} /a?b=%20 HTTP/1.1", "Host: h:1", "A: 1", "B: é", *([line] if line else [])]
    assert head == ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    ("method", "target", "value"),
    [
        ("GET", "/a\r\nX-Evil: 1", "v"),
        ("GET", "/a?b=1\n", "v"),
        ("GET\n", "/a", "v"),
        ("GET", "/a", "v\r\nX-Evil: 1"),
        ("GET", "/a", "v\n"),
        ("GET", "/a", "v\r"),
        ("GET", "/a", "v\x00"),
        ("GET", "/a", "ł"),
    ],
)
def test_head_that_would_say_more_than_meant_is_not_made(
    method: str, target: str, value: str
) -> None:
    with pytest.raises(Unreadable):
        request_head(method, target, "h", [("X-Name", value)], 0)


# --- back to the caller


@pytest.mark.parametrize(
    ("pairs", "kept"),
    [
        ([], []),
        ([("Set-Cookie", "a"), ("Set-Cookie", "b")], [("Set-Cookie", "a"), ("Set-Cookie", "b")]),
        ([("connection", "close"), ("Keep-Alive", "5"), ("A", "1")], [("A", "1")]),
        ([("Connection", "X-Hop, close"), ("x-hop", "1"), ("A", "1")], [("A", "1")]),
        ([("Connection", "a"), ("Connection", "b"), ("A", "1"), ("B", "2")], []),
        ([("Transfer-Encoding", "chunked"), ("Trailer", "x"), ("Upgrade", "h2")], []),
        ([("Location", "http://x/"), ("ETag", "1")], [("Location", "http://x/"), ("ETag", "1")]),
    ],
)
def test_answer_goes_back_without_what_was_for_the_hub(
    pairs: list[tuple[str, str]], kept: list[tuple[str, str]]
) -> None:
    assert answered_headers(iter(pairs)) == kept


# --- on record


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Cookie",
        "Set-Cookie",
        "SET-COOKIE",
        "Proxy-Authorization",
        "X-Api-Key",
        "X-Auth-Token",
        "X-Client-Secret",
    ],
)
def test_secret_is_masked_on_record(name: str) -> None:
    assert recorded_headers([(name, "hunter2")]) == {name: "***"}


@pytest.mark.parametrize(
    ("pairs", "recorded"),
    [
        ([("A", "1"), ("B", "2")], {"A": "1", "B": "2"}),
        ([("A", "1"), ("A", "2"), ("A", "3")], {"A": ["1", "2", "3"]}),
        ([("Set-Cookie", "a"), ("Set-Cookie", "b")], {"Set-Cookie": ["***", "***"]}),
        ([], {}),
    ],
)
def test_repeated_header_is_a_list_on_record(
    pairs: list[tuple[str, str]], recorded: dict[str, Any]
) -> None:
    assert recorded_headers(pairs) == recorded


@pytest.mark.parametrize(
    ("on_the_wire", "text"),
    [
        ("Ngôro".encode(), "Ngôro"),
        ("医 🩺".encode(), "医 🩺"),
        ("Ngôro".encode("latin-1"), "Ngôro"),
        (b"Ng\xc3", "Ng\xc3"),
        (b"plain", "plain"),
        (b"", ""),
    ],
)
def test_header_that_is_utf8_on_the_wire_is_read_as_that_text(
    on_the_wire: bytes, text: str
) -> None:
    recorded = recorded_headers([("X-Facility", on_the_wire.decode("latin-1")), ("A", "1")])
    assert readable_headers(recorded) == {"X-Facility": text, "A": "1"}
    assert recorded["X-Facility"].encode("latin-1") == on_the_wire


def test_repeated_and_strange_values_are_read_as_well() -> None:
    assert readable_headers({"A": ["Ã´", "Ã´"], "B": "€"}) == {"A": ["ô", "ô"], "B": "€"}
    assert readable_headers({}) == {}
    assert readable_headers(None) is None
