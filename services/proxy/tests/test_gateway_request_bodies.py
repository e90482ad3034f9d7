"""Request bodies: whole or in pieces, chunked or announced, too large, or cut short."""

import io
import time
import uuid
from datetime import UTC, datetime

import pytest
from proxy.gateway.call import DRAINED_BYTES, WHOLE_BYTES, Body, Call, Readable
from proxy.gateway.refusals import BodyTooLarge, Unreadable

LIMIT = 4 * WHOLE_BYTES


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time, then ends or breaks; counts what it gave."""

    def __init__(self, data: bytes, *, step: int = 70_001, breaks: bool = False) -> None:
        self._data, self._step, self._breaks = io.BytesIO(data), step, breaks
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._data.read(min(size, self._step))
        if not piece and self._breaks:
            raise ConnectionResetError
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
    return a_call(Dribble(data, **how), length).read_body(limit)  # type: ignore[arg-type]


def data(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


SIZES = [1, WHOLE_BYTES - 1, WHOLE_BYTES, WHOLE_BYTES + 1, 2 * WHOLE_BYTES + 7, LIMIT]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_body_comes_through_in_pieces(size: int, is_chunked: bool) -> None:
    body = read(data(size), None if is_chunked else size)
    assert b"".join(body.pieces()) == data(size)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_body_can_be_had_as_a_whole(size: int, is_chunked: bool) -> None:
    body = read(data(size), None if is_chunked else size)
    assert body.read_whole() == body.read_whole() == data(size)
    assert body.is_whole


def test_body_that_passed_through_is_not_taken_for_a_whole_one() -> None:
    body = read(data(2 * WHOLE_BYTES), 2 * WHOLE_BYTES)
    list(body.pieces())
    assert not body.is_whole


@pytest.mark.parametrize("size", SIZES)
def test_body_is_held_in_memory_only_up_to_a_bound(size: int) -> None:
    body = read(data(size), size)
    assert len(body.head) <= WHOLE_BYTES + 1
    assert body.is_whole is (size <= WHOLE_BYTES)
    assert max(len(piece) for piece in body.pieces()) <= WHOLE_BYTES + 1


@pytest.mark.parametrize("length", [0, None])
def test_call_without_a_body_has_an_empty_one(length: int | None) -> None:
    assert a_call(None, length).read_body(LIMIT) == Body(b"", 0)


def test_chunked_body_may_be_empty() -> None:
    assert read(b"", None) == Body(b"", 0)


@pytest.mark.parametrize("size", [1, WHOLE_BYTES])
def test_chunked_body_that_is_whole_has_a_length(size: int) -> None:
    assert read(data(size), None).length == size


# --- too large


def test_body_that_is_announced_too_large_is_refused_unread() -> None:
    stream = Dribble(data(10))
    with pytest.raises(BodyTooLarge, match="larger than 9 bytes"):
        a_call(stream, 10).read_body(9)
    assert stream.given == 0


@pytest.mark.parametrize("limit", [9, WHOLE_BYTES - 1, WHOLE_BYTES])
def test_chunked_body_is_refused_once_it_is_too_large(limit: int) -> None:
    with pytest.raises(BodyTooLarge):
        read(data(limit + 1), None, limit)


def test_chunked_body_that_grows_too_large_on_its_way_is_stopped() -> None:
    body = read(data(LIMIT + 1), None)
    pieces = body.pieces()
    with pytest.raises(BodyTooLarge):
        list(pieces)


@pytest.mark.parametrize("limit", [10, WHOLE_BYTES, WHOLE_BYTES + 1])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_of_exactly_the_limit_is_taken(limit: int, is_chunked: bool) -> None:
    body = read(data(limit), None if is_chunked else limit, limit)
    assert len(body.read_whole()) == limit


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
        list(body.pieces())


@pytest.mark.parametrize("breaks", [False, True])
def test_large_body_that_ends_early_cannot_be_had_as_a_whole(breaks: bool) -> None:
    body = read(data(2 * WHOLE_BYTES), 3 * WHOLE_BYTES, breaks=breaks)
    with pytest.raises(Unreadable):
        body.read_whole()


def test_chunked_body_that_breaks_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read(data(10), None, breaks=True)


# --- refused


@pytest.mark.parametrize(
    ("size", "read_bytes"),
    [(0, 0), (10, 10), (DRAINED_BYTES + 5 * WHOLE_BYTES, DRAINED_BYTES)],
)
def test_refused_body_is_read_up_to_a_bound(size: int, read_bytes: int) -> None:
    stream = Dribble(b"\0" * size, step=10**9)
    a_call(stream, size).drain()
    assert stream.given == read_bytes


def test_sender_that_leaves_while_its_refused_body_is_read_is_no_error() -> None:
    a_call(Dribble(b"x", breaks=True), 10).drain()
    a_call(None, 0).drain()
