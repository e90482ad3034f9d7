"""Connections to mediators rest and are used again; what may be sent twice, and what may not."""

import asyncio
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from common.http.endpoint import Endpoint
from common.http.outcomes import ClosedUnanswered, NotSent, OutcomeUnknown, TimedOut
from common.outbound import ANYWHERE
from proxy.gateway.answered import Answered
from proxy.gateway.call import WHOLE_BYTES, Body, Call
from proxy.gateway.esb import EsbRelay
from proxy.gateway.forward import Forwarder
from proxy.gateway.routing_table import RoutedChannel
from raw_mediator import RawMediator, Received, answer, raw_answer, slow


class Counting(RawMediator):
    """Knows which connection each request came over."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peers: list[int] = []
        self.hang_ups: set[int] = set()
        inner = self.default

        def respond(sock: socket.socket, received: Received) -> bool | None:
            self.peers.append(sock.getpeername()[1])
            if len(self.peers) in self.hang_ups:
                return True
            return (inner if self.default is respond else self.default)(sock, received)

        self.default = respond

    @property
    def connections(self) -> list[int]:
        """How many requests came over each connection, in order."""
        return list(Counter(self.peers).values())


@pytest.fixture
def mediator() -> Iterator[Counting]:
    started = Counting()
    yield started
    started.close()


def a_channel(url: str, **changes: Any) -> RoutedChannel:
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "name": "Patients",
        "pattern": "/a",
        "endpoint": Endpoint.parse(url),
        "allow": frozenset(),
        "timeout_s": 2.0,
        "requires_request_body": False,
        "request_content_type": "",
        "request_body_schema": None,
        "store_request_body": True,
        "store_response_body": True,
        "keep_whole_bodies": False,
        "requires_tls": False,
        "registrations": {},
    }
    return RoutedChannel(**{**known, **changes})


def a_call(method: str = "GET", **changes: Any) -> Call:
    known: dict[str, Any] = {
        "correlation_id": uuid.UUID(int=7),
        "started_at": datetime.now(UTC),
        "started_ns": time.perf_counter_ns(),
        "method": method,
        "raw_path": "/a%20b",
        "raw_query": "async=1&x=%zz",
        "headers": {"X-Custom": "1", "Host": "hub.example"},
        "address": "203.0.113.9",
        "host": "hub.example",
        "scheme": "https",
        "content_length": 0,
        "stream": None,
    }
    return Call(**{**known, **changes})


Send = Callable[..., bytes]


@pytest.fixture
def forwarder(run: Any) -> Iterator[Forwarder]:
    made = Forwarder(1.0, EsbRelay("http://127.0.0.1:1", 1.0, lambda: ""), ANYWHERE)
    yield made

    async def close() -> None:
        made.close()

    run(close())


async def begun() -> None:
    """The call is on record."""


@pytest.fixture
def send(run: Any, forwarder: Forwarder, mediator: Counting) -> Send:
    """Sends a call to the mediator and reads the whole answer."""
    channel = a_channel(mediator.url)

    async def forward(call: Call, body: Body | None, to: RoutedChannel) -> bytes:
        if call.stream is not None:
            body = await call.read_body(10**9)
        return await read(await forwarder.forward(call, body or Body(b"", 0), to, None, begun))

    def make(
        method: str = "GET",
        body: Body | None = None,
        to: RoutedChannel = channel,
        **changes: Any,
    ) -> bytes:
        given: bytes = run(forward(a_call(method, **changes), body, to))
        return given

    return make


async def read(given: Answered) -> bytes:
    body = given.body
    while given.rest is not None and (piece := await given.rest.read()):
        body += piece
    return body


# --- what is sent


def test_request_names_the_call_and_who_made_it(send: Send, mediator: Counting) -> None:
    send("POST", Body(b"hello", 5))
    got = mediator.received[0]
    assert got.request_line == "POST /a%20b?x=%zz HTTP/1.1"
    assert got.body == b"hello"
    assert got.header("Host") == [f"127.0.0.1:{mediator.port}"]
    assert got.header("X-Custom") == ["1"]
    assert got.header("X-Correlation-Id") == [str(uuid.UUID(int=7))]
    assert got.header("X-Forwarded-For") == ["203.0.113.9"]
    assert got.header("X-Forwarded-Host") == ["hub.example"]
    assert got.header("X-Forwarded-Proto") == ["https"]


def test_path_of_the_endpoint_goes_before_the_calls(send: Send, mediator: Counting) -> None:
    send(to=a_channel(f"{mediator.url}/base/"))
    assert mediator.received[0].target == "/base/a%20b?x=%zz"


class Stream:
    """A body that still arrives."""

    def __init__(self, size: int) -> None:
        self._left = size

    async def read(self) -> bytes:
        piece = b"x" * min(self._left, 50_000)
        self._left -= len(piece)
        return piece


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_body_is_passed_through(send: Send, mediator: Counting, is_chunked: bool) -> None:
    size = 3 * WHOLE_BYTES + 11
    length = None if is_chunked else size
    send("POST", content_length=length, stream=Stream(size))
    got = mediator.received[0]
    assert got.body == b"x" * size
    assert got.header("Content-Length") == ([] if is_chunked else [str(size)])


def test_clear_text_is_not_spoken_where_tls_is_demanded(send: Send, mediator: Counting) -> None:
    with pytest.raises(NotSent):
        send(to=a_channel(mediator.url, requires_tls=True))
    assert mediator.received == []


# --- used again


def test_connection_is_used_again(send: Send, mediator: Counting) -> None:
    for _ in range(5):
        send()
    assert mediator.connections == [5]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "method", "is_reused"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "POST", True),
        (CHUNKED, "GET", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "DELETE", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "GET", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", False),
        (
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
            "GET",
            True,
        ),
    ],
)
def test_connection_is_used_again_where_the_answer_allows_it(
    send: Send, mediator: Counting, raw: bytes, method: str, is_reused: bool
) -> None:
    def respond(sock: socket.socket, _received: Received) -> None:
        mediator.peers.append(sock.getpeername()[1])
        sock.sendall(raw)

    mediator.default = respond
    send(method)
    send(method)
    assert mediator.connections == ([2] if is_reused else [1, 1])


def test_connection_whose_answer_was_not_read_to_its_end_is_not_used_again(
    run: Any, forwarder: Forwarder, send: Send, mediator: Counting
) -> None:
    def begin_answer(sock: socket.socket, _received: Received) -> None:
        mediator.peers.append(sock.getpeername()[1])
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")

    usual, mediator.default = mediator.default, begin_answer

    async def read_a_part() -> bytes:
        given = await forwarder.forward(
            a_call(), Body(b"", 0), a_channel(mediator.url), None, begun
        )
        assert given.rest is not None
        given.rest.abandon()
        return given.body

    assert run(read_a_part()) == b"hel"
    mediator.default = usual
    send()
    assert mediator.connections == [1, 1]


# --- closed by the other side


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_was_closed_while_it_rested_is_not_used(
    send: Send, mediator: Counting, method: str
) -> None:
    mediator.default = raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", close=True)
    send(method)
    time.sleep(0.05)
    send(method)
    assert len(mediator.received) == 2


def test_mediator_that_closes_behind_each_answer_without_a_word_gets_every_call(
    run: Any, mediator: Counting
) -> None:
    """Such a connection is not looked at before it is used again: the loop sees it close."""
    forwarder = Forwarder(
        1.0,
        EsbRelay("http://127.0.0.1:1", 1.0, lambda: ""),
        ANYWHERE,
        begins_on_disk=True,
    )
    mediator.default = raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close=True)
    channel = a_channel(mediator.url)

    async def recorded() -> None:
        await asyncio.sleep(0.02)  # as long as a commit takes at least: it has left by then

    async def post_again_and_again() -> list[bytes]:
        bodies = []
        for _ in range(20):
            given = await forwarder.forward(
                a_call("POST"), Body(b"hello", 5), channel, None, recorded
            )
            bodies.append(await read(given))
        forwarder.close()
        return bodies

    assert run(post_again_and_again()) == [b"ok"] * 20
    assert len(mediator.received) == 20


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_idempotent_call_whose_rested_connection_closes_under_it_is_sent_again(
    send: Send, mediator: Counting, method: str
) -> None:
    mediator.hang_ups = {2}
    send(method)
    send(method)
    assert mediator.connections == [2, 1]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PURGE"])
def test_other_call_is_not_sent_again(send: Send, mediator: Counting, method: str) -> None:
    mediator.hang_ups = {2}
    send(method)
    with pytest.raises(ClosedUnanswered):
        send(method)
    assert mediator.connections == [2]


def test_call_over_a_new_connection_is_not_sent_again(send: Send, mediator: Counting) -> None:
    mediator.hang_ups = {1}
    with pytest.raises(ClosedUnanswered):
        send("GET")
    assert mediator.connections == [1]


def test_body_that_passed_through_is_not_sent_again(send: Send, mediator: Counting) -> None:
    mediator.hang_ups = {2}
    send("PUT")
    size = 2 * WHOLE_BYTES
    with pytest.raises(OutcomeUnknown):
        send("PUT", content_length=size, stream=Stream(size))
    assert mediator.connections == [2]


def test_call_that_takes_too_long_is_not_sent_again(send: Send, mediator: Counting) -> None:
    send("GET")
    mediator.default = slow(0.5, answer())
    with pytest.raises(TimedOut):
        send("GET", to=a_channel(mediator.url, timeout_s=0.1))
    assert len(mediator.received) == 2


# --- how long each may take


def test_calls_over_one_connection_each_have_their_own_time(send: Send, mediator: Counting) -> None:
    hasty, patient = (a_channel(mediator.url, timeout_s=each) for each in (0.3, 20.0))
    send(to=hasty)
    mediator.default = slow(0.7, answer(b"late"))
    assert send(to=patient) == b"late"  # the time of the call before is over meanwhile
    mediator.default = slow(3.0, answer(b"too late"))
    began = time.monotonic()
    with pytest.raises(TimedOut):
        send(to=hasty)  # though the time of the call before is not over yet
    assert time.monotonic() - began < 2.5
    assert [one.connection for one in mediator.received] == [1, 1, 1]
