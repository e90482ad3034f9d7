"""One writer per process, group commit: calls hand it their rows and wait for its commit.

While one batch is being committed the next one gathers, so that many calls share one flush.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from sqlalchemy import Engine

from common.db.rows.committer import (
    ActT,
    AlreadyThere,
    CommitUnknown,
    DatabaseAway,
    RowCommitter,
    WriteFailed,
)
from common.db.rows.statements import Acting, Row
from common.logs import get_logger

__all__ = ["AlreadyThere", "CommitUnknown", "GroupCommit", "Item", "Row", "WriteFailed"]

log = get_logger(__name__)

MAX_BATCH = 500
#: Rows that a database away could not take wait for it, up to this many.
MAX_LATE = 10_000
LATE_PAUSE_S = 2.0
#: Where the last batch held what so many wrote, more is about to come, and a commit waits a moment
#: for it unless it has enough: what PostgreSQL's commit_siblings and commit_delay do.
COMMIT_SIBLINGS = 4
ENOUGH = 12


@dataclass(slots=True, eq=False)
class Item(Generic[ActT]):
    """Rows that belong together, and who waits for them."""

    rows: dict[ActT, Row]
    committed: "asyncio.Future[None] | None" = None
    error: WriteFailed | None = None
    #: Where nobody waits: whether the rows may be lost when the database is away.
    is_dispensable: bool = False
    #: The items that this one was joined from.
    parts: "tuple[Item[ActT], ...]" = ()


class GroupCommit(Generic[ActT]):
    """Commits rows in batches from a task of its own, on the loop that first used it.

    `statements`: what rows of each act do, in the order in which a batch runs them.
    """

    def __init__(self, engine: Engine, statements: Mapping[ActT, Acting]) -> None:
        self._committer = RowCommitter(engine, statements)
        self._queue: deque[Item[ActT]] = deque()
        self._more: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._late: list[Item[ActT]] = []
        self._is_closing = False
        self._last_size = 0

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # Asked once: until Python 3.12 each question is a system call.
        return asyncio.get_running_loop()

    async def write(self, rows: dict[ActT, Row]) -> None:
        """Commit `rows` together; they are on disk when this returns.

        Raises AlreadyThere for a key that exists, WriteFailed when the database cannot.
        """
        item = Item(rows, self._loop.create_future())
        self.put(item)
        assert item.committed is not None
        await item.committed
        if item.error is not None:
            raise type(item.error)(*item.error.args) from item.error

    def write_late(self, rows: dict[ActT, Row]) -> None:
        """Commit `rows` once the database takes them again; until then they wait in memory."""
        self.put(Item(rows))

    def put(self, item: Item[ActT]) -> None:
        """Queue `item`; whether anybody waits is the item's own matter."""
        self._queue.append(item)
        if self._task is None:
            self._task = self._loop.create_task(self._run())
        elif self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def close(self) -> None:
        """Commit what is queued, then let task and connection go."""
        self._is_closing = True
        if self._task is not None:
            if self._more is not None and not self._more.done():
                self._more.set_result(None)
            await self._task
            self._task = None
        self._is_closing = False
        await self._committer.disconnect()

    def prepare(self, batch: list[Item[ActT]]) -> list[Item[ActT]]:
        """What is committed for `batch`: the batch itself, unless a subclass knows better."""
        return batch

    def written(self, rows: dict[ActT, Row]) -> None:
        """`rows`, for which nobody waited, are on disk now: for a subclass that wants to know."""

    async def _run(self) -> None:
        while True:
            if not self._queue and not (self._is_closing and not self._late):
                await self._gather()
            if self._is_worth_waiting():
                await asyncio.sleep(self._committer.worth_waiting_s)
            batch = [*self._late, *self._taken()]
            self._last_size = len(batch)
            if batch:
                await self._commit_all(self.prepare(batch))
                self._settle(batch)
            if self._is_closing and not self._queue:
                return

    def _is_worth_waiting(self) -> bool:
        """Whether a moment more is likely to make the batch larger, which saves a commit."""
        return (
            self._committer.worth_waiting_s > 0
            and 0 < len(self._queue) < ENOUGH
            and self._last_size >= COMMIT_SIBLINGS
            and not self._is_closing
        )

    def _taken(self) -> list[Item[ActT]]:
        taken = min(len(self._queue), MAX_BATCH)
        return [self._queue.popleft() for _ in range(taken)]

    async def _gather(self) -> None:
        """Wait for rows; those that are late already are tried again after a pause."""
        if self._is_closing:
            return
        self._more = self._loop.create_future()
        if not self._late:
            await self._more
            return
        await asyncio.wait({self._more}, timeout=LATE_PAUSE_S)

    def _settle(self, batch: Sequence[Item[ActT]]) -> None:
        self._late = [item for item in batch if _is_to_come(item)][:MAX_LATE]
        for item in batch:
            if item.committed is None:
                if item.error is None:
                    self.written(item.rows)
            elif not item.committed.done():
                item.committed.set_result(None)

    async def _commit_all(self, batch: Sequence[Item[ActT]], *, may_retry: bool = True) -> None:
        """Commit `batch`; what cannot be is marked with its error. Never raises."""
        _mark(batch, None)
        try:
            await self._committer.commit([item.rows for item in batch])
        except DatabaseAway as exc:
            # A connection that a restarted database dropped shows only now: try on a new one.
            if may_retry:
                await self._commit_anew(batch, exc)
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
                await self._commit_all([item])

    async def _commit_anew(self, batch: Sequence[Item[ActT]], lost: DatabaseAway) -> None:
        """The connection broke. Where only the reply was lost, our rows are there: all or none."""
        if isinstance(lost, CommitUnknown):
            try:
                if await self._committer.has_written([item.rows for item in batch]):
                    return
            except WriteFailed:
                log.error("rows_not_written", rows=len(batch), reason=str(lost))
                _mark(batch, lost)
                return
        await self._commit_all(batch, may_retry=False)


def _mark(batch: Sequence[Item[ActT]], error: WriteFailed | None) -> None:
    for item in batch:
        item.error = error
        if item.parts:
            _mark(item.parts, error)


def _is_to_come(item: Item[ActT]) -> bool:
    """Whether a database that is away shall get `item` later: nobody waits for it."""
    is_away = isinstance(item.error, DatabaseAway)
    return is_away and item.committed is None and not item.is_dispensable
