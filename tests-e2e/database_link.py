"""A link to PostgreSQL that tests can break: replies lost, silence, cut connections, rejection."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

#: SSLRequest and GSSENCRequest: answered here with "no", so that the link can read along.
_ENCRYPTION = (struct.pack("!ii", 8, 80877103), struct.pack("!ii", 8, 80877104))
#: ReadyForQuery outside of a transaction: what came before it is committed.
_READY = b"Z\x00\x00\x00\x05I"


class _Pair:
    """One connection of a service, and ours to PostgreSQL for it."""

    def __init__(self, link: "DatabaseLink", service: socket.socket) -> None:
        self._link = link
        self._service = service
        self._server: socket.socket | None = None
        self._lost = False
        self.is_silent = link.is_silent
        threading.Thread(target=self._to_server, daemon=True).start()

    def cut(self) -> None:
        """Reset both sides."""
        for sock in (self._service, self._server):
            if sock is not None:
                with contextlib.suppress(OSError):
                    # Without lingering a close is a reset.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def _to_server(self) -> None:
        with contextlib.suppress(OSError):
            first = self._service.recv(65536)
            while first in _ENCRYPTION:
                self._service.sendall(b"N")
                first = self._service.recv(65536)
            if self.is_silent:
                self._swallow()
            self._server = socket.create_connection(self._link.server)
            threading.Thread(target=self._to_service, args=(self._server,), daemon=True).start()
            tail, piece = b"", first
            while piece and not self.is_silent:
                tail = tail[-200:] + piece
                self._lost = self._lost or self._link.loses(tail)
                self._server.sendall(piece)
                piece = self._service.recv(65536)
            if self.is_silent:
                self._swallow()
        self.cut()

    def _to_service(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if self._lost and _READY in piece:
                    self._link.lost += 1
                    break
                time.sleep(self._link.delay_s)
                if not self.is_silent:
                    self._service.sendall(piece)
            if self.is_silent:
                return
        self.cut()

    def _swallow(self) -> None:
        """Nothing goes on and nothing comes back, until the service gives up."""
        while self._service.recv(65536):
            pass


class DatabaseLink:
    """Passes on bytes between services and PostgreSQL, unless told otherwise."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        user, at, _ = parts.netloc.rpartition("@")
        place = f"{user}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=place))
        self.is_silent = False
        #: Of each reply.
        self.delay_s = 0.0
        self.lost = 0
        self._refusing = False
        self._pairs: list[_Pair] = []
        self._marker, self._to_lose = b"", 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_replies(self, marker: str, times: int = 1) -> None:
        """What commits something with `marker` in it gets no reply: its connection is reset."""
        self._marker, self._to_lose, self.lost = marker.encode(), times, 0

    def silence(self, *, also_new: bool) -> None:
        """Open connections go silent for ever, without a reset; new ones only with `also_new`."""
        self.is_silent = also_new
        for pair in self._pairs:
            pair.is_silent = True

    def refuse(self) -> None:
        """Cut all connections, and every new one."""
        self._refusing = True
        self.cut()

    def restore(self) -> None:
        """New connections work again; silent ones are reset."""
        self.is_silent = self._refusing = False
        for pair in [one for one in self._pairs if one.is_silent]:
            pair.cut()

    def cut(self) -> None:
        """Reset all connections."""
        for pair in self._pairs:
            pair.cut()
        self._pairs.clear()

    def loses(self, text: bytes) -> bool:
        """Whether this is to be lost; counts down."""
        with self._lock:
            if self._to_lose == 0 or self._marker not in text:
                return False
            self._to_lose -= 1
            return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                service, _ = self._listener.accept()
            except OSError:
                return
            pair = _Pair(self, service)
            self._pairs.append(pair)
            if self._refusing:
                pair.cut()


@contextmanager
def database_link(url: str) -> Iterator[DatabaseLink]:
    link = DatabaseLink(url)
    try:
        yield link
    finally:
        link.close()
