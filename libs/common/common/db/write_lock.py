"""Whose turn it is to write to SQLite: the writers of all processes wait in line.

SQLite itself lets a writer that finds the lock taken sleep and try again, ever longer; under load
one process starves for hundreds of milliseconds. A file lock hands over at once.
"""

import fcntl
import os
import weakref
from types import TracebackType

from sqlalchemy import Engine

from common.db.database import is_sqlite


def lock_file(engine: Engine) -> str:
    """The file beside a SQLite database whose lock says whose turn it is."""
    return f"{engine.url.database}.turn"


class WriteLock:
    """A context manager: nothing on PostgreSQL, a lock on a file beside the database on SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._path = lock_file(engine) if is_sqlite(engine) else None
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        if self._path is None:
            return
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            weakref.finalize(self, os.close, self._descriptor)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
