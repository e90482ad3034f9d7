"""Requests to the engine over pooled connections, each with a bound on its time and its answer."""

import time
from dataclasses import dataclass, field

from common.correlation import current_trail
from common.upstream import Answer, BrokenOff, Endpoint, Pool, TimedOut

from esb_relay.wire.terms import Format

MAX_ANSWER_BYTES = 20 * 1024 * 1024
_PIECE_BYTES = 65_536

CONTENT_TYPES = {
    Format.JSON: "application/json; charset=utf-8",
    Format.XML: "application/xml; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of the engine, to its last byte."""

    status: int
    body: bytes = field(repr=False)


class EngineClient:
    """Posts envelopes to the engine at `url`."""

    def __init__(self, url: str, *, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._endpoint = Endpoint.parse(url)
        self._read_timeout_s = read_timeout_s
        self._pool = Pool(connect_timeout_s)

    def post(self, path: str, envelope: bytes, format_: Format, token: str) -> Received:
        """Send one envelope. Nothing is ever sent twice from here.

        Raises Unreachable (nothing left), TimedOut and BrokenOff (it may have arrived).
        """
        connection = self._pool.take(self._endpoint)
        head = self._head(path, len(envelope), format_, token)
        deadline = time.monotonic() + self._read_timeout_s
        try:
            response = connection.exchange("POST", head, (envelope,), self._read_timeout_s)
        except BaseException:
            connection.close()
            raise
        return _read(Answer(self._pool, self._endpoint, connection, response), deadline)

    def close(self) -> None:
        """Close the connections that rest."""
        self._pool.close()

    def _head(self, path: str, length: int, format_: Format, token: str) -> bytes:
        trail = current_trail()
        lines = [
            f"POST {self._endpoint.base_path}{path} HTTP/1.1",
            f"Host: {self._endpoint.authority}",
            f"Authorization: Bearer {token}",
            f"Content-Type: {CONTENT_TYPES[format_]}",
            f"Content-Length: {length}",
            "Accept: application/json, application/xml",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in (trail.headers() if trail else {}).items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _read(answer: Answer, deadline: float) -> Received:
    """The whole answer. An engine that sends it too slowly has not answered in time."""
    pieces, size = [], 0
    try:
        while piece := answer.read_available(_PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise BrokenOff("the answer is too large")
            if time.monotonic() > deadline:
                raise TimedOut
    finally:
        answer.close()
    return Received(answer.status, b"".join(pieces))
