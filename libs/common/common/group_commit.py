"""One writer per process, group commit: requests hand it their rows and wait for its commit.

While one batch is being committed the next one gathers, so that many requests share one flush.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from sqlalchemy import Engine

from common.logs import get_logger
from common.rows.committer import ActT, AlreadyThere, DatabaseAway, RowCommitter, WriteFailed
from common.rows.statements import Row, Statement

__all__ = ["AlreadyThere", "GroupCommit", "Item", "Row", "WriteFailed"]

log = get_logger(__name__)

MAX_BATCH = 500
#: Rows that a database away could not take wait for it, up to this many.
MAX_LATE = 10_000
LATE_PAUSE_S = 2.0


@dataclass(slots=True)
class Item(Generic[ActT]):
    """Rows that belong together, and who waits for them."""

    rows: dict[ActT, Row]
    committed: threading.Event | None = None
    error: WriteFailed | None = None
    #: Where nobody waits: whether the rows may be lost when the database is away.
    is_dispensable: bool = False
    #: The items that this one was joined from.
    parts: "tuple[Item[ActT], ...]" = ()


class GroupCommit(Generic[ActT]):
    """Commits rows in batches from a thread (under gevent: a greenlet) of its own.

    `statements`: what rows of each act do, in the order in which a batch runs them. `offload` keeps
    a blocking driver off the event loop.
    """

    def __init__(
        self,
        engine: Engine,
        statements: Mapping[ActT, Statement],
        *,
        offload: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._committer = RowCommitter(engine, statements)
        self._offload = offload
        self._queue: queue.SimpleQueue[Item[ActT] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._late: list[Item[ActT]] = []
        self._closing = False

    def write(self, rows: dict[ActT, Row]) -> None:
        """Commit `rows` together; they are on disk when this returns.

        Raises AlreadyThere for a key that exists, WriteFailed when the database cannot.
        """
        item = Item(rows, threading.Event())
        self.put(item)
        assert item.committed is not None
        item.committed.wait()
        if item.error is not None:
            raise type(item.error)(*item.error.args) from item.error

    def write_late(self, rows: dict[ActT, Row]) -> None:
        """Commit `rows` once the database takes them again; until then they wait in memory."""
        self.put(Item(rows))

    def put(self, item: Item[ActT]) -> None:
        """Queue `item`; whether anybody waits is the item's own matter."""
        self._queue.put(item)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """Commit what is queued, then let thread and connection go."""
        thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()
        self._committer.disconnect()

    def prepare(self, batch: list[Item[ActT]]) -> list[Item[ActT]]:
        """What is committed for `batch`: the batch itself, unless a subclass knows better."""
        return batch

    def _run(self) -> None:
        while not self._closing:
            batch = [*self._late, *self._gather()]
            if not batch:
                continue
            self._commit_all(self.prepare(batch))
            self._late = [item for item in batch if _is_to_come(item)][:MAX_LATE]
            for item in batch:
                if item.committed is not None:
                    item.committed.set()

    def _gather(self) -> list[Item[ActT]]:
        """The next batch: waits for one row, takes what else is there."""
        batch: list[Item[ActT]] = []
        try:
            item = self._queue.get(timeout=LATE_PAUSE_S if self._late else None)
            while item is not None:
                batch.append(item)
                if len(batch) == MAX_BATCH:
                    return batch
                item = self._queue.get_nowait()
            self._closing = True
        except queue.Empty:
            pass
        return batch

    def _commit_all(self, batch: Sequence[Item[ActT]], *, may_retry: bool = True) -> None:
        """Commit `batch`; what cannot be is marked with its error. Never raises."""
        _mark(batch, None)
        try:
            self._offload(lambda: self._committer.commit([item.rows for item in batch]))
        except DatabaseAway as exc:
            # A connection that a restarted database dropped shows only now: try on a new one.
            if may_retry:
                self._commit_all(batch, may_retry=False)
            else:
                log.error("rows_not_written", rows=len(batch), reason=str(exc))
                _mark(batch, exc)
        except WriteFailed as exc:
            if len(batch) == 1:
                log.error("row_not_written", reason=str(exc))
                _mark(batch, exc)
                return
            # One row the database will not take must not fail the others.
            for item in batch:
                self._commit_all([item])


def _mark(batch: Sequence[Item[ActT]], error: WriteFailed | None) -> None:
    for item in batch:
        item.error = error
        _mark(item.parts, error)


def _is_to_come(item: Item[ActT]) -> bool:
    """Whether a database that is away shall get `item` later: nobody waits for it."""
    is_away = isinstance(item.error, DatabaseAway)
    return is_away and item.committed is None and not item.is_dispensable
