"""Serves an application on sockets that are listening already, and stops without refusing calls."""

import asyncio
import socket
from collections.abc import Sequence

from common.http.server_protocol import Application, ServerProtocol

#: A stopping server still answers requests on open connections for this long: whoever keeps one
#: open learns from the answer that it closes, and sends nothing into a closed one.
LINGER_S = 5.0
BACKLOG = 2048
_LOOK_EVERY_S = 0.05


class Server:
    """One event loop's server."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._connections: set[ServerProtocol] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on `sockets`."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            server = await loop.create_server(
                lambda: ServerProtocol(self._application, self._connections),
                sock=sock,
                backlog=BACKLOG,
            )
            self._servers.append(server)

    async def drain(self, timeout_s: float, linger_s: float = LINGER_S) -> None:
        """Accept nothing new, finish what is in hand within `timeout_s`."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.answer_and_close()
        while self._connections and loop.time() < now + timeout_s:
            if loop.time() >= now + linger_s:
                for connection in list(self._connections):
                    connection.close_if_idle()
            await asyncio.sleep(_LOOK_EVERY_S)
        for connection in list(self._connections):
            connection.abort()
