"""A listening socket that outlives the process that serves it, as systemd passes them on.

A program whose command says `BIND=127.0.0.1:$…_PORT` gets it as file descriptor 3 with
`LISTEN_FDS`, which gunicorn takes instead of a socket of its own. Who connects while the process
is restarted waits; after it has ended by itself there is no socket, so that nobody waits in vain.
"""

import re
import socket
from collections.abc import Mapping

from procfile import Program

_BIND = re.compile(r"\bBIND=127\.0\.0\.1:\$\{?(\w+_PORT)\b")
BACKLOG = 2048


class KeptListener:
    """The socket of one program; none for a program that serves nothing by gunicorn."""

    def __init__(self, program: Program, environ: Mapping[str, str]) -> None:
        found = _BIND.search(program.command) if "gunicorn" in program.command else None
        port = environ.get(found[1], "") if found else ""
        self._port = int(port) if port.isdigit() else None
        self._socket: socket.socket | None = None

    def open(self) -> int | None:
        """The file descriptor to pass on; None: there is none. Raises OSError."""
        if self._port is None:
            return None
        if self._socket is None:
            opened = socket.socket()
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind(("127.0.0.1", self._port))
                opened.listen(BACKLOG)
            except OSError:
                opened.close()
                raise
            self._socket = opened
        return self._socket.fileno()

    def close(self) -> None:
        """Nobody can connect from now on, unless a process still has it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
