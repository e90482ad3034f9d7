"""A link to a server that tests can close: connections are cut, and new ones refused."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


class TcpLink:
    """Listens on loopback and leads to `server` while it is open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = parts.hostname, parts.port
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._place = self._listener.getsockname()
        user = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self._place[1]}"))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Cut every connection, and accept none."""
        # Closing alone does not wake the thread that waits in accept().
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open = []

    @contextmanager
    def closed(self) -> Iterator[None]:
        """The server is away within."""
        self.close()
        yield
        self._listener = socket.create_server(self._place)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()


@contextmanager
def tcp_link(url: str) -> Iterator[TcpLink]:
    """A link to the server of `url`."""
    link = TcpLink(url)
    try:
        yield link
    finally:
        link.close()
