"""One writer per process, group commit: requests hand it their rows and wait for its commit.

While one batch is being committed the next one gathers. `strict`: every row is waited for.
`merged`: a call's first row is only queued, and joined with its last where both meet in one batch.
What nobody waits for is tried again while the database is away; refusals are not.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common.logs import get_logger
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from proxy.gateway.recording import Row
from proxy.gateway.statements import STATEMENTS, Act
from proxy.gateway.write_turn import WriteTurn

log = get_logger(__name__)

MAX_BATCH = 500
#: What nobody waits for waits itself for a database that is away, up to this many.
MAX_LATE = 10_000
LATE_PAUSE_S = 2.0
#: Refusals beyond this many waiting ones are not kept: a flood must not eat the memory.
MAX_WAITING_REFUSALS = 2_000

Rows = dict[Act, Row]


class WriteFailed(Exception):
    """Rows could not be committed; the database's own error is the cause."""


class AlreadyThere(WriteFailed):
    """A row with this key exists."""


@dataclass(slots=True)
class _Item:
    """Rows that belong together, and who waits for them."""

    rows: Rows
    committed: threading.Event | None = None
    error: Exception | None = None
    #: The items that this one was joined from.
    parts: "tuple[_Item, ...]" = ()


class Writer:
    """Commits rows in batches from a thread (under gevent: a greenlet) of its own.

    `offload` keeps a blocking driver off the event loop; the connection is the writer's own.
    """

    def __init__(
        self, engine: Engine, *, merged: bool, offload: Callable[[Callable[[], Any]], Any]
    ) -> None:
        self._engine = engine
        self._merged = merged
        self._offload = offload
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._turn = WriteTurn(engine)
        self._waiting_refusals = 0
        self._late: list[_Item] = []

    def write(self, rows: Rows) -> None:
        """Commit `rows` together; they are on disk when this returns.

        Raises AlreadyThere for a key that exists, WriteFailed when the database cannot.
        """
        item = _Item(rows, threading.Event())
        self._put(item)
        assert item.committed is not None
        item.committed.wait()
        if isinstance(item.error, IntegrityError):
            raise AlreadyThere from item.error
        if item.error is not None:
            raise WriteFailed(type(item.error).__name__) from item.error

    def begin(self, rows: Rows) -> None:
        """Commit a call's first rows: as `write` in strict mode, later in merged mode."""
        if self._merged:
            self._put(_Item(rows))
        else:
            self.write(rows)

    def write_late(self, rows: Rows) -> None:
        """Commit `rows` once the database takes them again; until then they wait in memory."""
        self._put(_Item(rows))

    def refuse(self, row: Row) -> None:
        """Keep a refusal, soon; when too many are waiting it is dropped."""
        if self._waiting_refusals < MAX_WAITING_REFUSALS:
            self._waiting_refusals += 1
            self._put(_Item({Act.REFUSE: row}))

    def _put(self, item: _Item) -> None:
        self._queue.put(item)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [*self._late, *self._gather()]
            self._waiting_refusals -= sum(Act.REFUSE in item.rows for item in batch)
            self._commit_all(_joined(batch) if self._merged else batch)
            self._late = [item for item in batch if _is_to_come(item)][:MAX_LATE]
            for item in batch:
                if item.committed is not None:
                    item.committed.set()

    def _gather(self) -> list[_Item]:
        """The next batch: waits for one row, takes what else is there."""
        batch: list[_Item] = []
        try:
            batch.append(self._queue.get(timeout=LATE_PAUSE_S if self._late else None))
            while len(batch) < MAX_BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _commit_all(self, batch: Sequence[_Item], *, may_retry: bool = True) -> None:
        """Commit `batch`; what cannot be is marked with its error. Never raises."""
        _mark(batch, None)
        try:
            self._offload(lambda: self._commit(batch))
        except OperationalError as exc:
            # A connection that a restarted database dropped shows only now: try on a new one.
            self._drop_connection()
            if may_retry:
                self._commit_all(batch, may_retry=False)
            else:
                log.error("rows_not_written", rows=len(batch), reason=type(exc).__name__)
                _mark(batch, exc)
        except Exception as exc:  # noqa: BLE001 - drivers raise what they like; see the marks
            if not isinstance(exc, IntegrityError):
                self._drop_connection()
            if len(batch) == 1:
                log.error("row_not_written", reason=type(exc).__name__)
                _mark(batch, exc)
                return
            # One row the database will not take must not fail the others.
            for item in batch:
                self._commit_all([item])

    def _commit(self, batch: Sequence[_Item]) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._turn, self._connection.begin():
            for act, statement in STATEMENTS.items():
                rows = [item.rows[act] for item in batch if act in item.rows]
                if rows:
                    self._connection.execute(statement, rows)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _mark(batch: Sequence[_Item], error: Exception | None) -> None:
    for item in batch:
        item.error = error
        _mark(item.parts, error)


def _is_to_come(item: _Item) -> bool:
    """Whether a database that is away shall get `item` later: nobody waits for it."""
    is_away = isinstance(item.error, OperationalError)
    return is_away and item.committed is None and Act.REFUSE not in item.rows


def _joined(batch: Sequence[_Item]) -> list[_Item]:
    """Join a call's end with its beginning where both are in `batch`: one insert does."""
    begun = {
        item.rows[Act.START]["correlation_id"]: item
        for item in batch
        if Act.START in item.rows and item.committed is None
    }
    joined: list[_Item] = []
    gone: set[int] = set()
    for item in batch:
        ended = item.rows.get(Act.END)
        start = begun.pop(ended["key_correlation_id"], None) if ended is not None else None
        if ended is None or start is None:
            joined.append(item)
            continue
        whole = {**start.rows[Act.START], **ended}
        del whole["key_correlation_id"]
        rows = {**start.rows, **item.rows, Act.WHOLE: whole}
        del rows[Act.START], rows[Act.END]
        joined.append(_Item(rows, parts=(start, item)))
        gone.add(id(start))
    return [item for item in joined if id(item) not in gone]
