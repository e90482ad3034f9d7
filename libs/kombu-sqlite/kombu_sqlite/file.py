"""The broker's file: one SQLite database in WAL mode that several processes share."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Pause between attempts to switch a new file to WAL: SQLite does not wait for that by itself.
_WAL_RETRY_S = 0.02

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY,
    max_length INTEGER                      -- NULL: as many as there are
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exchanges (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bindings (
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (exchange, routing_key, queue)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order of publishing
    queue TEXT NOT NULL,
    payload TEXT NOT NULL,                  -- JSON: Kombu's message
    attempt_count INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0,    -- Unix seconds; 0: in nobody's hands
    lease_token TEXT,
    death_reason TEXT                       -- set while it lies in a dead-letter queue
);
CREATE INDEX IF NOT EXISTS ix_messages_queue_lease_until ON messages (queue, lease_until);
CREATE UNIQUE INDEX IF NOT EXISTS uq_messages_lease_token ON messages (lease_token)
    WHERE lease_token IS NOT NULL;
COMMIT;
"""


class BrokerFileError(ConnectionError):
    """The broker's file cannot be read or written now: locked for too long, full, closed."""


class BrokerFile:
    """One open connection to the file; the threads of a process take turns on it.

    Every method raises BrokerFileError. Open it after a fork, not before.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        """Open `path`; creates its folder, and the file with mode 0600."""
        self._path = path
        self._turn = threading.Lock()
        with self._translated():
            self._db = _open(path, busy_timeout_s)

    def close(self) -> None:
        """Let the file go; may be repeated."""
        with self._turn, self._translated():
            self._db.close()

    def number(self, query: str, *values: object) -> int:
        """The one number that `query` asks for. Waits for no writer."""
        with self._turn, self._translated():
            return int(self._db.execute(query, values).fetchone()[0])

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One writer at a time, over all processes; nothing of it stands if the block raises.

        A durable transaction is on the disk at its end, not only with the operating system. The
        others survive every end of a process; a power cut may undo the latest of them.
        """
        with self._turn, self._translated():
            try:
                self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.ProgrammingError):  # closed: SQLite has rolled back
                    self._db.rollback()
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            raise BrokerFileError(f"{self._path}: {exc}") from exc


def _open(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Only a file that did not exist may be opened like this: closing another descriptor of a
    # database in use drops the locks that this process holds on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    db = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    try:
        _enter_wal(db, deadline=time.monotonic() + busy_timeout_s)
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _enter_wal(db: sqlite3.Connection, *, deadline: float) -> None:
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_WAL_RETRY_S)
