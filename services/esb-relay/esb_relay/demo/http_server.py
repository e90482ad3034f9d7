"""A small HTTP/1.1 server whose answers may be anything, to the byte and to the socket."""

import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

#: Writes an answer; False ends the connection after it.
Reply = Callable[[socket.socket], bool]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


Handler = Callable[[Request], Reply]


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Serves `handler` on 127.0.0.1, one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, handler: Handler) -> None:
        self.handler = handler
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve from a thread of its own."""
        serve = partial(self.serve_forever, poll_interval=0.02)
        threading.Thread(target=serve, name="simulator", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; open connections end with the process."""
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: LoopbackServer

    def handle(self) -> None:
        """Answer requests until either side has had enough."""
        try:
            while request := self._read():
                if not self.server.handler(request)(self.connection):
                    return
        except (OSError, ValueError):
            return  # the client went away, or spoke no HTTP

    def _read(self) -> Request | None:
        line = self.rfile.readline(65_536).decode("latin-1").strip()
        if not line:
            return None
        method, target, _version = line.split(" ")
        headers: dict[str, str] = {}
        while text := self.rfile.readline(65_536).decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Request(method, target.partition("?")[0], headers, body)
