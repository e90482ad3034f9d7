"""Answers as they are read, however their bytes arrive; http.client is asked what it reads."""

import asyncio
import http.client
import io
from itertools import pairwise
from typing import Any

import pytest
from common.http.answer import Answer, Limits
from common.http.outcomes import OutcomeUnknown
from common.http.parsed_answer import MAX_HEAD_BYTES
from hypothesis import given
from hypothesis import strategies as st


class Read:
    """An answer whose bytes arrive cut where it is told; then the connection is closed."""

    def __init__(self, raw: bytes, cuts: list[int], method: str = "GET") -> None:
        self.raw, self.method = raw, method
        ends = sorted({cut % (len(raw) + 1) for cut in cuts} | {0, len(raw)})
        self.pieces = [raw[start:end] for start, end in pairwise(ends)]
        self.body = b""
        self.may_rest = False
        self.error: OutcomeUnknown | None = None

    async def arrive(self) -> "Read":
        loop = asyncio.get_running_loop()
        limits = Limits(silence_s=60, total_s=60)
        released: list[bool] = []
        answer = Answer(loop, self.method, limits, released.append, lambda _full: None)
        for piece in self.pieces:
            answer.fed(piece)
        await asyncio.sleep(0)  # until here the connection would hear what more came
        answer.ended(None)
        try:
            while piece := await answer.read():
                self.body += piece
        except OutcomeUnknown as exc:
            self.error = exc
        await asyncio.sleep(0)
        self.may_rest = released[0]  # the first word counts: a closed connection stays closed
        self.status, self.reason, self.headers = answer.status, answer.reason, answer.headers
        return self


def arrived(raw: bytes, cuts: list[int], method: str = "GET") -> Read:
    return asyncio.run(Read(raw, cuts, method).arrive())


class Stored:
    """A socket for http.client."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, *_args: Any) -> io.BytesIO:
        return io.BytesIO(self._raw)


def chunks(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


TOKENS = st.text("abcXYZ-_0", min_size=1, max_size=12)
VALUES = st.text("abc,; =\"'\t/xé", max_size=20)
BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=5)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    pieces = draw(BODIES)
    body = b"".join(pieces)
    lines = [f"HTTP/1.1 {draw(st.integers(200, 599))} {draw(st.sampled_from(['', 'OK', 'So so']))}"]
    lines += [f"X-{name}: {value}" for name, value in draw(st.lists(st.tuples(TOKENS, VALUES)))]
    ending = draw(st.sampled_from(["length", "chunks", "close"]))
    if ending == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif ending == "chunks":
        lines.append("Transfer-Encoding: chunked")
        body = chunks(pieces)
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * draw(st.integers(0, 2))
    return interim + ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


@given(answers(), st.lists(st.integers(0, 10**6), max_size=8), st.sampled_from(["GET", "HEAD"]))
def test_what_is_read_is_what_the_standard_library_reads(
    raw: bytes, cuts: list[int], method: str
) -> None:
    theirs = http.client.HTTPResponse(Stored(raw), method=method)  # type: ignore[arg-type]
    theirs.begin()
    ours = arrived(raw, cuts, method)
    assert ours.error is None
    assert (ours.status, ours.reason) == (theirs.status, theirs.reason)
    assert ours.headers == [(name, value.strip(" \t")) for name, value in theirs.getheaders()]
    # RFC 9112 §6.3: these have no body, whatever is announced; http.client reads chunks after them.
    assert ours.body == (b"" if ours.status in {204, 304} else theirs.read())


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_anything_is_read_or_refused(noise: bytes, cuts: list[int]) -> None:
    for start in (b"", b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        read = arrived(start + noise, cuts)
        assert read.error is not None or 200 <= read.status < 1000


@pytest.mark.parametrize(
    ("raw", "method", "may_rest"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", "GET", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HEAD", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n", "GET", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n!", "GET", False),
        (
            b"HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\nContent-Length: 0\r\n\r\n",
            "GET",
            False,
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", "GET", False),
    ],
)
def test_connection_that_holds_more_than_the_answer_does_not_rest(
    raw: bytes, method: str, may_rest: bool
) -> None:
    assert arrived(raw, [], method).may_rest is may_rest


def test_body_that_was_not_read_to_its_end_keeps_the_connection_busy() -> None:
    read = arrived(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbod", [])
    assert read.body == b"bod"
    assert not read.may_rest


@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 9\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello5\r\n"],
)
def test_what_came_before_the_body_broke_off_is_given(rest: bytes) -> None:
    read = arrived(b"HTTP/1.1 200 OK\r\n" + rest, [])
    assert read.body == b"hello"
    assert read.error is not None
    assert not read.may_rest


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 2 * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: 1\r\n" * 1_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 16 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n"[:-1],
    ],
)
def test_answer_beyond_bounds_is_refused(raw: bytes) -> None:
    assert arrived(raw, []).error is not None


def read_at_the_end(raw: bytes, cuts: list[int]) -> tuple[bytes, bool, bool]:
    """The body, whether it failed, and whether the connection may rest, for who is called."""
    ends: list[tuple[bytes, bool]] = []
    released: list[bool] = []

    def at_end(answer: Answer) -> None:
        try:
            ends.append((answer.whole(), False))
        except OutcomeUnknown:
            ends.append((b"", True))
        assert released or not answer.is_complete, "the connection is free by then"

    async def arrive() -> None:
        limits = Limits(silence_s=60, total_s=60)
        loop = asyncio.get_running_loop()
        answer = Answer(loop, "GET", limits, released.append, lambda _full: None, at_end)
        for piece in Read(raw, cuts).pieces:
            if not released:  # a free connection closes at what nobody asked for
                answer.fed(piece)
        answer.ended(None)

    asyncio.run(arrive())
    [(body, has_failed)] = ends
    return body, has_failed, released[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks([b"a", b"bc"]),
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
def test_who_is_called_at_the_end_reads_what_who_waits_reads(raw: bytes) -> None:
    for cuts in ([], list(range(len(raw))), [len(raw) // 2]):
        read = arrived(raw, cuts)
        body, has_failed, may_rest = read_at_the_end(raw, cuts)
        assert has_failed == (read.error is not None)
        assert has_failed or body == read.body
        assert may_rest <= read.may_rest or cuts
