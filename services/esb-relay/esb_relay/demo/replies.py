"""What a server may do to a connection, decently or not."""

import socket
import struct
import time
from collections.abc import Mapping
from http import HTTPStatus

from esb_relay.demo.http_server import Reply

SILENCE_S = 120.0
DRIP_S = 0.2


def answer(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A whole answer."""
    raw = raw_answer(body, status=status, content_type=content_type, headers=headers)

    def reply(sock: socket.socket) -> bool:
        sock.sendall(raw)
        return True

    return reply


def raw_answer(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of an answer."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def cut_off(raw: bytes) -> Reply:
    """Half of an answer, then the end."""

    def reply(sock: socket.socket) -> bool:
        sock.sendall(raw[: len(raw) // 2])
        return False

    return reply


def drip(raw: bytes) -> Reply:
    """The header at once, then a byte now and then."""

    def reply(sock: socket.socket) -> bool:
        end = raw.index(b"\r\n\r\n") + 4
        sock.sendall(raw[:end])
        for at in range(end, len(raw)):
            sock.sendall(raw[at : at + 1])
            time.sleep(DRIP_S)
        return False

    return reply


def hang_up(_sock: socket.socket) -> bool:
    """Close without an answer."""
    return False


def reset(sock: socket.socket) -> bool:
    """Break the connection off (RST)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return False


def silence(_sock: socket.socket) -> bool:
    """Say nothing for longer than anybody waits."""
    time.sleep(SILENCE_S)
    return False
