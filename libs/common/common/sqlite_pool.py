"""SQLite's connections, which greenlets and native threads use at once under gevent."""

from collections import deque
from itertools import count
from typing import Any

from sqlalchemy.orm import loading, session
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from common.native_lock import NativeLock

# SQLAlchemy numbers sessions and loads under locks that do not bear this (see `native_lock`).
session._new_sessionid = count(1).__next__
loading._new_runid = count(1).__next__


class SqlitePool(Pool):
    """Keeps up to `pool_size` idle connections and opens as many as are asked for.

    SQLAlchemy's own pool waits at such locks, too.
    """

    def __init__(self, creator: Any, pool_size: int = 10, **options: Any) -> None:
        super().__init__(creator, **options)
        # A deque's ends need no lock.
        self._idle: deque[ConnectionPoolEntry] = deque()
        self._pool_size = pool_size
        # So that nobody waits at SQLAlchemy's lock around the very first connection.
        self._opening = NativeLock()

    def status(self) -> str:
        """How many connections are idle."""
        return f"{len(self._idle)} of at most {self._pool_size} idle connections"

    def dispose(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def recreate(self) -> "SqlitePool":
        """An empty pool like this one."""
        return SqlitePool(
            self._creator,
            pool_size=self._pool_size,
            pre_ping=self._pre_ping,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return self._idle.pop()
        except IndexError:
            with self._opening:
                return self._create_connection()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if len(self._idle) < self._pool_size:
            self._idle.append(record)
        else:
            record.close()
