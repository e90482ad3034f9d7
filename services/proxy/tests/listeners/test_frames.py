"""Frames in what comes over a connection, however it is cut into pieces."""

import asyncio
from collections.abc import Iterator

import pytest
from proxy.listeners.frames import BrokenOff, Frames, NoFrame, TooLong

ONE, TWO = b"\x0bone\x1c\x0d", b"\x0btwo \x1c and more\x1c\x0d"


def read_all(pieces: list[bytes], max_bytes: int = 100) -> list[bytes]:
    left: Iterator[bytes] = iter(pieces)

    async def read(_size: int) -> bytes:
        return next(left, b"")

    async def frames() -> list[bytes]:
        found, frames = [], Frames(read, max_bytes, 5)
        while (message := await frames.next()) is not None:
            found.append(message)
        return found

    return asyncio.run(frames())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_frames_are_found_however_they_are_cut(size: int) -> None:
    data = b"\r\n" + ONE + TWO + b"\r\x00" + ONE + b"\n"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert read_all(pieces) == [b"one", b"two \x1c and more", b"one"]


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([b"\x0bhalf"], BrokenOff),
        ([ONE, b"\x0bhalf\x1c"], BrokenOff),
        ([b"GET / HTTP/1.1\r\n"], NoFrame),
        ([ONE + b"x" + ONE], NoFrame),
        ([b"\x0b" + b"x" * 101], TooLong),
        ([b"\x0b" + b"x" * 101 + b"\x1c\x0d"], TooLong),
    ],
)
def test_what_is_no_frame_is_said(pieces: list[bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_all(pieces)


def test_message_of_just_the_largest_size_is_taken() -> None:
    assert read_all([b"\x0b" + b"x" * 100 + b"\x1c\x0d"]) == [b"x" * 100]


def test_nothing_is_no_message() -> None:
    assert read_all([]) == read_all([b"\r\n", b"\r\n"]) == []
