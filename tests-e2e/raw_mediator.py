"""A mediator on loopback that shows tests every byte it got, and answers to the byte as told."""

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import count


@dataclass
class Received:
    """One request as it arrived."""

    head: bytes
    body: bytes
    #: Which connection it came on, counted from 1, and when its head was there.
    connection: int = 0
    at: float = field(default_factory=time.monotonic)

    @property
    def request_line(self) -> str:
        return self.head.split(b"\r\n")[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.request_line.split(" ")[1]

    def header(self, name: str) -> list[str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]


Responder = Callable[[socket.socket, Received], bool | None]


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> Responder:
    """A responder that sends one whole answer."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def respond(sock: socket.socket, received: Received) -> None:
        sock.sendall(head if received.request_line.startswith("HEAD ") else head + body)

    return respond


def raw_answer(raw: bytes, *, close: bool = False) -> Responder:
    """A responder that sends exactly `raw`; True ends the connection after it."""

    def respond(sock: socket.socket, _received: Received) -> bool:
        sock.sendall(raw)
        return close

    return respond


def slow(seconds: float, then: Responder) -> Responder:
    """A responder that waits first."""

    def respond(sock: socket.socket, received: Received) -> bool | None:
        time.sleep(seconds)
        return then(sock, received)

    return respond


def hang_up(_sock: socket.socket, _received: Received) -> bool:
    """Close without an answer."""
    return True


def and_stay(then: Responder, seconds: float = 60.0) -> Responder:
    """A responder that reads nothing more after its answer, until the other side has gone."""

    def respond(sock: socket.socket, received: Received) -> bool:
        then(sock, received)
        waiting = select.poll()
        waiting.register(sock, select.POLLRDHUP)
        waiting.poll(seconds * 1000)
        return True

    return respond


#: What a mediator answers that was not told otherwise.
USUAL = answer(b'{"ok":true}')


@dataclass
class RawMediator:
    """Keep-alive HTTP/1.1 server; the responder of the path (else the default one) answers.

    Those in `early` answer when the head is there; of the body they see nothing.
    """

    responders: dict[str, Responder] = field(default_factory=dict)
    early: dict[str, Responder] = field(default_factory=dict)
    default: Responder = field(default_factory=lambda: USUAL)
    received: list[Received] = field(default_factory=list)
    keep_bodies: bool = True
    #: 0: any free one.
    port: int = 0
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self.port), backlog=4096)
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def on(self, path: str, responder: Responder) -> None:
        self.responders[path] = responder

    def forget(self) -> None:
        """What one test told it is nothing to the next."""
        self.default = USUAL
        for kept in (self.responders, self.early, self.received):
            kept.clear()

    def to(self, path: str) -> list[Received]:
        return [one for one in list(self.received) if one.target.partition("?")[0] == path]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._server.close()

    def _accept(self) -> None:
        for number in count(1):
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        # What the hub has left behind is no error of the mediator.
        with contextlib.suppress(OSError, ValueError):
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as file:
                while head := _read_head(file):
                    if self._answer(sock, file, Received(head, b"", number)):
                        return

    def _answer(self, sock: socket.socket, file: BufferedReader, received: Received) -> bool | None:
        path = received.target.partition("?")[0]
        if path in self.early:
            self.received.append(received)
            return self.early[path](sock, received)
        body, size = _read_body(file, received.head, keep=self.keep_bodies)
        received.body = body if self.keep_bodies else str(size).encode()
        self.received.append(received)
        return self.responders.get(path, self.default)(sock, received)


def _read_head(file) -> bytes:
    lines = []
    while (line := file.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return b"".join(lines)


def _read_body(file, head: bytes, *, keep: bool) -> tuple[bytes, int]:
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        return _read_chunks(file, keep=keep)
    marker = b"content-length:"
    if marker not in lowered:
        return b"", 0
    size = int(lowered.split(marker)[1].split(b"\r\n")[0])
    return _take(file, size, keep=keep), size


def _read_chunks(file, *, keep: bool) -> tuple[bytes, int]:
    body, total = b"", 0
    while size := int(file.readline().split(b";")[0], 16):
        piece = _take(file, size, keep=keep)
        body += piece
        total += size
        file.readline()
    file.readline()
    return body, total


def _take(file, size: int, *, keep: bool) -> bytes:
    pieces, left = [], size
    while left:
        piece = file.read(min(left, 1 << 20))
        if not piece:
            break
        left -= len(piece)
        if keep:
            pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def raw_mediator() -> Iterator[RawMediator]:
    mediator = RawMediator()
    try:
        yield mediator
    finally:
        mediator.close()
