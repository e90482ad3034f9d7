"""The process that writes rows into SQLite for another one; see `common.db.rows.sqlite`.

It is run as a file and needs the standard library alone, so that it begins in a moment. From its
socket, which is its standard input, it reads pickled messages, and answers each with a line:

    (URI of the database, seconds to wait for its lock, pragmas, file of the write lock): no answer
    ("write", [(statement, [values, …]), …]): "done" when all is on disk, else why nothing is
    ("ask", query, values): "yes" where it finds a row, "no", or why not

Why: "there", "away" or "failed", and the driver's name for it. It ends with its other end.
"""

import contextlib
import fcntl
import os
import pickle
import signal
import socket
import sqlite3
from collections.abc import Sequence
from typing import Any

Runs = Sequence[tuple[str, Sequence[Sequence[Any]]]]


class Database:
    """A connection, which is opened anew after what it could not do."""

    def __init__(self, uri: str, timeout_s: float, pragmas: Sequence[str], write_lock: str) -> None:
        self._uri, self._timeout_s, self._pragmas = uri, timeout_s, pragmas
        self._turn = os.open(write_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._opened: sqlite3.Connection | None = None

    def answer(self, message: tuple[Any, ...]) -> str:
        """What comes of a message."""
        try:
            if message[0] == "ask":
                found = self._connection().execute(*message[1:]).fetchone()
                return "no" if found is None else "yes"
            self._write(message[1])
        except sqlite3.IntegrityError as exc:
            return f"there {type(exc).__name__}"
        except Exception as exc:  # noqa: BLE001 - the driver raises what it likes
            self._opened = None
            kind = "away" if isinstance(exc, sqlite3.OperationalError) else "failed"
            return f"{kind} {type(exc).__name__}"
        return "done"

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            opened = sqlite3.connect(
                self._uri, self._timeout_s, isolation_level=None, uri=True, cached_statements=256
            )
            for pragma in self._pragmas:
                opened.execute(f"PRAGMA {pragma}")
            self._opened = opened
        return self._opened

    def _write(self, runs: Runs) -> None:
        connection = self._connection()
        fcntl.flock(self._turn, fcntl.LOCK_EX)  # as `common.db.write_lock` does
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for text, values in runs:
                    connection.executemany(text, values)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)


def main() -> None:
    """Serve the process at the other end, until it is gone."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # whoever stops the other process stops us
    with (
        socket.socket(fileno=0) as link,
        link.makefile("rb") as messages,
        contextlib.suppress(EOFError, OSError, pickle.UnpicklingError),  # the other end has gone
    ):
        database = Database(*pickle.load(messages))  # noqa: S301 - of the process that began us
        while True:
            answer = database.answer(pickle.load(messages))  # noqa: S301
            link.sendall(f"{answer}\n".encode())


if __name__ == "__main__":
    main()
