"""Answers of mediators that take their time, or do what mediators should not do."""

import socket
import threading
import time
from collections.abc import Iterable

from raw_mediator import Received, Responder


def in_pieces(
    content_type: str, pieces: Iterable[bytes], *, every_s: float, first_s: float = 0.0
) -> Responder:
    """A chunked answer: its head at once, piece n after `first_s` and n times `every_s`."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"

    def respond(sock: socket.socket, _received: Received) -> None:
        sock.sendall(head.encode())
        time.sleep(first_s)
        for piece in pieces:
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            time.sleep(every_s)
        sock.sendall(b"0\r\n\r\n")

    return respond


def server_sent_events(count: int) -> list[bytes]:
    """The events `event-1` and so on."""
    return [b"data: event-%d\n\n" % number for number in range(1, count + 1)]


def after(event: threading.Event, respond: Responder) -> Responder:
    """What `respond` answers, once `event` is set; it waits for at most 30 s."""

    def wait(sock: socket.socket, received: Received) -> bool | None:
        event.wait(30)
        return respond(sock, received)

    return wait


def trickle(size: int, *, every_s: float) -> Responder:
    """`size` bytes of announced length, one at a time."""

    def respond(sock: socket.socket, _received: Received) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size):
            sock.sendall(b"x")
            time.sleep(every_s)

    return respond
