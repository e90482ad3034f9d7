"""Connections of a hot path: a small keep-alive pool per endpoint, requests and answers as bytes.

Requests are written as one piece. What went wrong is told apart by what the other side may have
seen:

UpstreamError
├── Unreachable      no connection was made: nothing was sent
├── BrokenOff        the connection broke after the request (or part of it) had left
└── TimedOut         no answer in time after the request had left
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from common.http_reading import NotHttp, Response

#: A connection that has rested longer is not used again: the other side may be closing it.
MAX_IDLE_S = 20.0
MAX_IDLE_PER_ENDPOINT = 256


class UpstreamError(Exception):
    """A call did not end in an answer."""


class Unreachable(UpstreamError):
    """No connection was made: nothing was sent."""


class BrokenOff(UpstreamError):
    """The connection broke after the request, or part of it, had left."""


class TimedOut(UpstreamError):
    """No answer in time after the request had left."""


@dataclass(frozen=True)
class Endpoint:
    """Where somebody listens: `http`, `https` or `tcp`; its path goes before every call's."""

    scheme: str
    host: str
    port: int
    base_path: str

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read an endpoint URL. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "tcp"} or not parts.hostname:
            raise ValueError(f"not an endpoint: scheme {parts.scheme!r}")
        default = 443 if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname, parts.port or default, parts.path.rstrip("/"))

    @cached_property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


class Connection:
    """One socket to an endpoint, used by one call at a time."""

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._sock = _connect(endpoint, connect_timeout_s)
        self.rested_since = 0.0
        self.is_fresh = True

    def is_usable(self, now: float) -> bool:
        """Whether a rested connection still stands: not too old, and nothing to read (a close)."""
        if now - self.rested_since > MAX_IDLE_S:
            return False
        if isinstance(self._sock, ssl.SSLSocket):
            return not select.select([self._sock], [], [], 0)[0]
        self._sock.settimeout(0)
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def fileno(self) -> int:
        """The socket's descriptor, for `select`."""
        return self._sock.fileno()

    def exchange(
        self, method: str, head: bytes, body: Iterable[bytes], timeout_s: float
    ) -> Response:
        """Send a request and read the answer's header. Raises BrokenOff, TimedOut."""
        self.write(head, body, timeout_s)
        return self.read_header(method, timeout_s)

    def write(self, head: bytes, body: Iterable[bytes], timeout_s: float) -> None:
        """Send a request. Raises BrokenOff, TimedOut: then its last byte has not left."""
        try:
            self._sock.settimeout(timeout_s)
            pieces = iter(body)
            self._send(head + next(pieces, b""))
            for piece in pieces:
                self._send(piece)
        except TimeoutError as exc:
            raise TimedOut from exc
        except (OSError, NotHttp) as exc:
            raise BrokenOff(type(exc).__name__) from exc

    def read_header(self, method: str, timeout_s: float) -> Response:
        """Read the header of a request's answer. Raises BrokenOff, TimedOut."""
        try:
            self._sock.settimeout(timeout_s)
            return Response(self._sock, method)
        except TimeoutError as exc:
            raise TimedOut from exc
        except (OSError, NotHttp) as exc:
            raise BrokenOff(type(exc).__name__) from exc

    def _send(self, data: bytes) -> None:
        """Send all of `data`; one call where the socket takes it at once, as it mostly does."""
        sent = self._sock.send(data)
        if sent < len(data):
            self._sock.sendall(memoryview(data)[sent:])

    def exchange_raw(self, body: Iterable[bytes], timeout_s: float) -> bytes:
        """Write `body`, end writing, and read all that comes back (channel type `tcp`)."""
        try:
            self._sock.settimeout(timeout_s)
            for piece in body:
                self._send(piece)
            self._sock.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := self._sock.recv(65536):
                pieces.append(piece)
        except TimeoutError as exc:
            raise TimedOut from exc
        except OSError as exc:
            raise BrokenOff(type(exc).__name__) from exc
        return b"".join(pieces)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def _connect(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    try:
        sock = socket.create_connection((endpoint.host, endpoint.port), timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.scheme == "https":
            return _tls().wrap_socket(sock, server_hostname=endpoint.host)
    except (OSError, UnicodeError) as exc:  # UnicodeError: no host can be called that
        raise Unreachable(type(exc).__name__) from exc
    return sock


def _tls() -> ssl.SSLContext:
    """Verified TLS; `SSL_CERT_FILE` names other authorities than the system's."""
    if not _TLS_CONTEXT:
        _TLS_CONTEXT.append(ssl.create_default_context())
    return _TLS_CONTEXT[0]


_TLS_CONTEXT: list[ssl.SSLContext] = []


class Pool:
    """Resting connections per endpoint. The latest used is taken first, so that idle ones age."""

    def __init__(
        self, connect_timeout_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._resting: dict[Endpoint, list[Connection]] = {}

    def take(self, endpoint: Endpoint) -> Connection:
        """A connection that stands, rested or new. Raises Unreachable."""
        while (connection := self._latest(endpoint)) is not None:
            if connection.is_usable(self._clock()):
                connection.is_fresh = False
                return connection
            connection.close()
        return Connection(endpoint, self._connect_timeout_s)

    def _latest(self, endpoint: Endpoint) -> Connection | None:
        try:
            return self._resting[endpoint].pop()
        except (KeyError, IndexError):  # asked and taken at once: another thread may take it too
            return None

    def give_back(self, endpoint: Endpoint, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        resting = self._resting.setdefault(endpoint, [])
        if len(resting) >= MAX_IDLE_PER_ENDPOINT:
            connection.close()
            return
        connection.rested_since = self._clock()
        resting.append(connection)

    def close(self) -> None:
        """Close every resting connection."""
        for resting in self._resting.values():
            while resting:
                resting.pop().close()


class Answer:
    """An answer: status and header at once, the body as it is read.

    Its connection goes back to the pool when the body was read to its end, else it is closed.
    """

    def __init__(
        self, pool: Pool, endpoint: Endpoint, connection: Connection, response: Response
    ) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.pairs
        self._pool = pool
        self._endpoint = endpoint
        self._connection: Connection | None = connection
        self._response = response

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end. Raises BrokenOff, TimedOut."""
        return self._read(self._response.read, size)

    def read_available(self, size: int) -> bytes:
        """What is there of the next `size` bytes, none at the end. Raises BrokenOff, TimedOut."""
        return self._read(self._response.read_available, size)

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except TimeoutError as exc:
            self.close()
            raise TimedOut from exc
        except (OSError, NotHttp) as exc:
            self.close()
            raise BrokenOff(type(exc).__name__) from exc

    def read_rest(self, size: int) -> Iterator[bytes]:
        """The body in pieces of at most `size` bytes."""
        while piece := self.read(size):
            yield piece

    def close(self) -> None:
        """Give the connection back, or close it when the answer was not read to its end."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._response.may_rest:
            self._pool.give_back(self._endpoint, connection)
        else:
            connection.close()
