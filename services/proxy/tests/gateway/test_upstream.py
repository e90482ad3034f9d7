"""Answers of mediators, byte by byte: what is understood, and what is broken off."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from common.http.answer import Answer, Limits
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, OutcomeUnknown, TimedOut
from common.http.parsed_answer import MAX_FIELDS, MAX_HEAD_BYTES
from common.http.pool import Pool
from proxy.gateway.headers import request_head
from raw_mediator import RawMediator, answer, raw_answer, slow

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def mediator() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def endpoint(mediator: RawMediator) -> Endpoint:
    return Endpoint.parse(mediator.url)


@pytest.fixture
def pool(run: Any) -> Iterator[Pool]:
    opened = Pool(1.0)
    yield opened

    async def close() -> None:
        opened.close()

    run(close())


Ask = Callable[..., Answer]


@pytest.fixture
def ask(run: Any, pool: Pool, endpoint: Endpoint) -> Ask:
    """The answer to one request; its body is not read yet."""

    async def exchange(method: str, timeout_s: float) -> Answer:
        connection = await pool.take(endpoint)
        head = request_head(method, "/a", endpoint.authority, [], 0)
        return await connection.exchange(method, head, b"", Limits(timeout_s, 20.0))

    return lambda method="GET", timeout_s=5.0: run(exchange(method, timeout_s))


@pytest.fixture
def read(run: Any) -> Callable[[Answer], bytes]:
    """The whole body of an answer."""
    return lambda given: run(given.read_whole(10**9))


# --- understood


@pytest.mark.parametrize(
    ("raw", "closes", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", False, b"hello"),
        (OK + b"content-length:5\r\n\r\nhello", False, b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", False, b""),
        (OK + b"\r\nhello", True, b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", True, b"hello"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", True, b"hello"),
        (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", False, b"hello"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", False, b"hello"),
        (CHUNKED + b"2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n", False, b"hello"),
        (CHUNKED + b"5;x=1\r\nhello\r\n0;y\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n", False, b"hello"),
        (CHUNKED + b"a\r\n0123456789\r\n0\r\n\r\n", False, b"0123456789"),
        (CHUNKED + b"0\r\n\r\n", False, b""),
        (OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\nok", False, b"ok"),
        (b"HTTP/1.1 103 \r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", False, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", False, b""),
        (b"HTTP/1.1 500 \r\nContent-Length: 2\r\n\r\nno", False, b"no"),
        (b"HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nok", False, b"ok"),
    ],
)
def test_answer_is_understood(
    ask: Ask, read: Any, mediator: RawMediator, raw: bytes, closes: bool, body: bytes
) -> None:
    mediator.default = raw_answer(raw, close=closes)
    assert read(ask()) == body


def test_head_has_a_length_and_no_body(ask: Ask, read: Any, mediator: RawMediator) -> None:
    mediator.default = raw_answer(OK + b"Content-Length: 1234\r\n\r\n")
    given = ask("HEAD")
    assert (read(given), given.headers) == (b"", [("Content-Length", "1234")])


def test_status_reason_and_headers_come_as_they_were_sent(
    ask: Ask, read: Any, mediator: RawMediator
) -> None:
    mediator.default = raw_answer(
        b"HTTP/1.1 418 I'm a teapot\r\nset-cookie: a=1\r\nSet-Cookie:  b=2 \r\n"
        b"X-Empty:\r\nX-Tab:\ta\tb\r\nX-Latin: Zo\xeb\r\nContent-Length: 0\r\n\r\n"
    )
    given = ask()
    read(given)
    assert (given.status, given.reason) == (418, "I'm a teapot")
    assert given.headers == [
        ("set-cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Empty", ""),
        ("X-Tab", "a\tb"),
        ("X-Latin", "Zoë"),
        ("Content-Length", "0"),
    ]


def test_length_beside_chunks_is_no_length(ask: Ask, read: Any, mediator: RawMediator) -> None:
    mediator.default = raw_answer(
        OK + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    given = ask()
    assert read(given) == b"ok"
    assert [name for name, _ in given.headers] == ["Transfer-Encoding"]


@pytest.mark.parametrize("count", [MAX_FIELDS])
def test_many_headers_are_taken(ask: Ask, read: Any, mediator: RawMediator, count: int) -> None:
    mediator.default = raw_answer(OK + b"X: 1\r\n" * (count - 1) + b"Content-Length: 0\r\n\r\n")
    given = ask()
    read(given)
    assert len(given.headers) == count


# --- broken off in the header

MALFORMED = {
    "nothing": b"",
    "a line break": b"\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x50",
    "no status": b"HTTP/1.1\r\n\r\n",
    "status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "status below 100": b"HTTP/1.1 99 OK\r\n\r\n",
    "status above 999": b"HTTP/1.1 1000 OK\r\n\r\n",
    "half a status line": b"HTTP/1.1 200",
    "half a header": OK + b"Content-Le",
    "no end of the header": OK + b"Content-Length: 2\r\n",
    "line without colon": OK + b"Content-Length\r\n\r\n",
    "line without name": OK + b": x\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 2\r\n\r\nok",
    "space in a name": OK + b"Content Length: 2\r\n\r\nok",
    "folded line": OK + b"X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": OK + b"X-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "line break in a value": OK + b"X-A: a\rb\r\nContent-Length: 0\r\n\r\n",
    "letter outside of a token": OK + b"X-\xe9: 1\r\nContent-Length: 0\r\n\r\n",
    "too many headers": OK + b"X: 1\r\n" * (MAX_FIELDS + 1) + b"\r\n",
    "line too long": OK + b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "length with a sign": OK + b"Content-Length: +2\r\n\r\nok",
    "length that is no number": OK + b"Content-Length: two\r\n\r\nok",
    "lengths that differ": OK + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\nokok",
    "several lengths in one": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "coding that is not known": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000,
    "NUL in the reason": b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_answer_that_is_none_is_broken_off(
    ask: Ask, read: Any, mediator: RawMediator, raw: bytes
) -> None:
    mediator.default = raw_answer(raw, close=True)
    with pytest.raises(OutcomeUnknown):
        ask()


# --- broken off in the body

CUT = {
    "shorter than announced": OK + b"Content-Length: 9\r\n\r\nhello",
    "nothing of what was announced": OK + b"Content-Length: 9\r\n\r\n",
    "no chunk": CHUNKED,
    "half a chunk": CHUNKED + b"5\r\nhe",
    "no last chunk": CHUNKED + b"5\r\nhello\r\n",
    "half a chunk size": CHUNKED + b"5",
    "chunk size that is none": CHUNKED + b"five\r\nhello\r\n0\r\n\r\n",
    "negative chunk size": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_body_that_is_not_complete_is_broken_off(
    ask: Ask, read: Any, mediator: RawMediator, raw: bytes
) -> None:
    mediator.default = raw_answer(raw, close=True)
    given = ask()
    with pytest.raises(OutcomeUnknown):
        read(given)


# --- late, or not there


def test_answer_that_does_not_come_in_time_is_timed_out(
    ask: Ask, read: Any, mediator: RawMediator
) -> None:
    mediator.default = slow(0.5, answer())
    with pytest.raises(TimedOut):
        ask(timeout_s=0.1)


@pytest.mark.parametrize("start", [OK + b"Content-Length: 9\r\n\r\nhe", CHUNKED + b"5\r\nhe"])
def test_body_that_stops_is_timed_out(
    ask: Ask, read: Any, mediator: RawMediator, start: bytes
) -> None:
    mediator.default = raw_answer(start)
    given = ask(timeout_s=0.1)
    with pytest.raises(TimedOut):
        read(given)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://no-such-host.invalid",
        "http://a..b",
        "http://" + "a" * 70 + ".example",
        "tcp://127.0.0.1:1",
    ],
)
def test_mediator_that_is_not_there_is_unreachable(run: Any, pool: Pool, url: str) -> None:
    with pytest.raises(NotSent):
        run(pool.take(Endpoint.parse(url)))


# --- endpoints


@pytest.mark.parametrize(
    ("url", "parts", "authority"),
    [
        ("http://h", ("http", "h", 80, ""), "h"),
        ("http://h:80/", ("http", "h", 80, ""), "h"),
        ("http://h:8080/base/", ("http", "h", 8080, "/base"), "h:8080"),
        ("https://H/a/b", ("https", "h", 443, "/a/b"), "h"),
        ("https://h:80", ("https", "h", 80, ""), "h:80"),
        ("http://[::1]:8080", ("http", "::1", 8080, ""), "[::1]:8080"),
        ("http://[::1]", ("http", "::1", 80, ""), "[::1]"),
        ("tcp://h:2575", ("tcp", "h", 2575, ""), "h:2575"),
    ],
)
def test_endpoint_is_read(url: str, parts: tuple[str, str, int, str], authority: str) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.scheme, endpoint.host, endpoint.port, endpoint.base_path) == parts
    assert endpoint.authority == authority


@pytest.mark.parametrize("url", ["", "h", "ftp://h", "http://", "http://h:99999", "http://[x"])
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(url)


def test_ipv6_mediator_is_reached(run: Any, pool: Pool) -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        url = f"http://[::1]:{server.getsockname()[1]}"

        async def reach() -> None:
            (await pool.take(Endpoint.parse(url))).close()

        run(reach())
