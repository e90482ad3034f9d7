"""What gevent's worker sends: a header leaves with what comes next, and never stays behind."""

import socket
from collections.abc import Iterator

import pytest
from common.gunicorn_worker import HeadJoined

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[HeadJoined, socket.socket]]:
    """What an answer is sent to, and the client's end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(0.05)
    with ours, theirs:
        yield HeadJoined(ours), theirs


def test_header_and_the_beginning_of_the_body_are_one_packet(ends) -> None:
    answer, client = ends
    answer.sendall(HEAD)
    answer.sendall(b"first")
    assert client.recv(100) == HEAD + b"first"
    answer.sendall(b"second")
    assert client.recv(100) == b"second"


def test_header_that_nothing_follows_is_sent_at_the_end(ends) -> None:
    answer, client = ends
    answer.sendall(HEAD)
    with pytest.raises(TimeoutError):
        client.recv(100)
    answer.flush()
    assert client.recv(100) == HEAD
    answer.flush()
    with pytest.raises(TimeoutError):
        client.recv(100)


def test_header_leaves_before_anything_else_is_done_with_the_socket(ends) -> None:
    answer, client = ends
    answer.sendall(HEAD)
    answer.send(b"another way")
    assert client.recv(100) == HEAD
    assert client.recv(100) == b"another way"
