"""Request bodies: whole or in pieces, chunked or announced, too large, or cut short."""

import asyncio
import io
import time
import uuid
from datetime import UTC, datetime

import pytest
from common.http.server_messages import BodyEndedEarly
from proxy.gateway.call import WHOLE_BYTES, Body, Call, Readable
from proxy.gateway.rejections import BodyTooLarge, Unreadable

LIMIT = 4 * WHOLE_BYTES
#: Bytes that arrive at once.
STEP = 70_001


class Dribble:
    """A body that arrives a few bytes at a time, then ends or breaks; counts what it gave."""

    def __init__(self, data: bytes, *, step: int = STEP, breaks: bool = False) -> None:
        self._data, self._step, self._breaks = io.BytesIO(data), step, breaks
        self.given = 0

    async def read(self) -> bytes:
        piece = self._data.read(self._step)
        if not piece and self._breaks:
            raise BodyEndedEarly
        self.given += len(piece)
        return piece


def a_call(stream: Readable | None, length: int | None) -> Call:
    return Call(
        correlation_id=uuid.uuid4(),
        started_at=datetime.now(UTC),
        started_ns=time.perf_counter_ns(),
        method="POST",
        raw_path="/a",
        raw_query="",
        headers={},
        address="127.0.0.1",
        host="hub.example",
        scheme="http",
        content_length=length,
        stream=stream,
    )


def read(data: bytes, length: int | None, limit: int = LIMIT, **how: bool) -> Body:
    return begin(a_call(Dribble(data, **how), length), limit)


def begin(call: Call, limit: int = LIMIT) -> Body:
    """The body's beginning."""
    return asyncio.run(call.read_body(limit))


def pieces(body: Body) -> list[bytes]:
    """All of the body as it passes through."""

    async def collect() -> list[bytes]:
        return [piece async for piece in body.pieces()]

    return asyncio.run(collect())


def whole(body: Body) -> bytes:
    """All of the body in memory."""
    return asyncio.run(body.read_whole())


def data(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


SIZES = [1, WHOLE_BYTES - 1, WHOLE_BYTES, WHOLE_BYTES + 1, 2 * WHOLE_BYTES + 7, LIMIT]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_body_comes_through_in_pieces(size: int, is_chunked: bool) -> None:
    body = read(data(size), None if is_chunked else size)
    assert b"".join(pieces(body)) == data(size)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_body_can_be_had_as_a_whole(size: int, is_chunked: bool) -> None:
    body = read(data(size), None if is_chunked else size)
    assert whole(body) == whole(body) == data(size)
    assert body.is_whole


def test_body_that_passed_through_is_not_taken_for_a_whole_one() -> None:
    body = read(data(2 * WHOLE_BYTES), 2 * WHOLE_BYTES)
    pieces(body)
    assert not body.is_whole


@pytest.mark.parametrize("size", SIZES)
def test_body_is_held_in_memory_only_up_to_a_bound(size: int) -> None:
    body = read(data(size), size)
    assert len(body.head) <= WHOLE_BYTES + STEP
    assert body.is_whole is (len(body.head) == size)
    assert body.is_whole or size > WHOLE_BYTES
    assert max(len(piece) for piece in pieces(body)) <= WHOLE_BYTES + STEP


@pytest.mark.parametrize("length", [0, None])
def test_call_without_a_body_has_an_empty_one(length: int | None) -> None:
    assert begin(a_call(None, length)) == Body(b"", 0)


def test_chunked_body_may_be_empty() -> None:
    assert read(b"", None) == Body(b"", 0)


@pytest.mark.parametrize("size", [1, WHOLE_BYTES])
def test_chunked_body_that_is_whole_has_a_length(size: int) -> None:
    assert read(data(size), None).length == size


# --- too large


def test_body_that_is_announced_too_large_is_refused_unread() -> None:
    stream = Dribble(data(10))
    with pytest.raises(BodyTooLarge, match="larger than 9 bytes"):
        begin(a_call(stream, 10), 9)
    assert stream.given == 0


@pytest.mark.parametrize("limit", [9, WHOLE_BYTES - 1, WHOLE_BYTES])
def test_chunked_body_is_refused_once_it_is_too_large(limit: int) -> None:
    with pytest.raises(BodyTooLarge):
        read(data(limit + 1), None, limit)


def test_chunked_body_that_grows_too_large_on_its_way_is_stopped() -> None:
    body = read(data(LIMIT + 1), None)
    with pytest.raises(BodyTooLarge):
        pieces(body)


@pytest.mark.parametrize("limit", [10, WHOLE_BYTES, WHOLE_BYTES + 1])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_of_exactly_the_limit_is_taken(limit: int, is_chunked: bool) -> None:
    body = read(data(limit), None if is_chunked else limit, limit)
    assert len(whole(body)) == limit


# --- cut short


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize(
    ("came", "length"), [(0, 10), (9, 10), (9, WHOLE_BYTES), (WHOLE_BYTES, WHOLE_BYTES + 1)]
)
def test_body_that_ends_early_is_unreadable(came: int, length: int, breaks: bool) -> None:
    with pytest.raises(Unreadable):
        read(data(came), length, breaks=breaks)


@pytest.mark.parametrize("breaks", [False, True])
def test_large_body_that_ends_early_is_unreadable_on_its_way(breaks: bool) -> None:
    body = read(data(2 * WHOLE_BYTES), 3 * WHOLE_BYTES, breaks=breaks)
    with pytest.raises(Unreadable):
        pieces(body)


@pytest.mark.parametrize("breaks", [False, True])
def test_large_body_that_ends_early_cannot_be_had_as_a_whole(breaks: bool) -> None:
    body = read(data(2 * WHOLE_BYTES), 3 * WHOLE_BYTES, breaks=breaks)
    with pytest.raises(Unreadable):
        whole(body)


def test_chunked_body_that_breaks_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read(data(10), None, breaks=True)
