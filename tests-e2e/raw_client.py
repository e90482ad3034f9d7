"""A client, byte by byte: requests written by hand, and when each piece came back."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hub import Hub

TIMEOUT_S = 60.0


@dataclass
class Answer:
    """What came back, and when: seconds since the connection was there."""

    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    #: When the connection was over.
    ended_s: float = 0.0

    @property
    def raw(self) -> bytes:
        return b"".join(piece for _, piece in self.arrivals)

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        """As it is on the wire: the framing of chunks included."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def problem(self) -> dict[str, Any]:
        """The hub's own words; it never sends them in chunks."""
        assert "Content-Type: application/problem+json" in self.head, self.raw[:500]
        said: dict[str, Any] = json.loads(self.body)
        return said

    @property
    def correlation_id(self) -> str:
        (found,) = self.header("X-Correlation-Id")
        return found

    def header(self, name: str) -> list[str]:
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]

    def came_s(self, text: bytes) -> float:
        """When the last byte of `text` was here; infinity: never."""
        so_far = b""
        for at_s, piece in self.arrivals:
            so_far += piece
            if text in so_far:
                return at_s
        return float("inf")


def send(
    hub: Hub, request_line: str | bytes, *headers: str | bytes, body: bytes = b"", **options: Any
) -> Answer:
    """A request with the demo client's credentials, read to the end of the connection."""
    answer = Answer()
    for at_s, piece in pieces(hub, request_line, *headers, body=body, **options):
        answer.arrivals.append((at_s, piece))
        answer.ended_s = at_s
    answer.arrivals.pop()
    return answer


def pieces(
    hub: Hub,
    request_line: str | bytes,
    *headers: str | bytes,
    body: bytes = b"",
    timeout_s: float = TIMEOUT_S,
) -> Iterator[tuple[float, bytes]]:
    """The pieces of an answer as they come, then an empty one at the end of the connection."""
    address = urlsplit(hub.url)
    with socket.create_connection((address.hostname, address.port), timeout=timeout_s) as sock:
        began = time.monotonic()
        sock.sendall(_head(hub, request_line, *headers))
        # Beside the reading: an answer may come before the body was taken.
        threading.Thread(target=_send_what_is_taken, args=(sock, body), daemon=True).start()
        while piece := sock.recv(65536):
            yield time.monotonic() - began, piece
        yield time.monotonic() - began, b""


def _head(hub: Hub, *lines: str | bytes) -> bytes:
    own = ["Host: hub.example", "Connection: close"]
    own += [f"{name}: {value}" for name, value in hub.credentials.items()]
    raw = [line if isinstance(line, bytes) else line.encode("latin-1") for line in (*lines, *own)]
    return b"\r\n".join(raw) + b"\r\n\r\n"


def _send_what_is_taken(sock: socket.socket, body: bytes) -> None:
    """Until all has gone, or the connection is over."""
    with suppress(OSError):
        sock.sendall(body)
