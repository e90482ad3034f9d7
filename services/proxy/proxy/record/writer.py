"""The gateway's writer: group commit, with a call's first and last row joined where that is asked.

`strict`: every row is waited for. `merged`: a call's first row is only queued, and joined with its
last where both meet in one batch. Rejections are never waited for.
"""

import uuid

from common.db.group_commit import AlreadyThere, CommitUnknown, GroupCommit, Item, WriteFailed
from common.db.rows.errors import DatabaseAway
from sqlalchemy import Engine

from proxy.record.rows import Row
from proxy.record.statements import STATEMENTS, Act

__all__ = ["AlreadyThere", "CommitUnknown", "Rows", "WriteFailed", "Writer"]

#: Rejections beyond this many waiting ones are not kept: a flood must not eat the memory.
MAX_WAITING_REJECTIONS = 2_000
#: What is kept soon, and dropped where too much of it waits.
_DISPENSABLE = (Act.REJECT, Act.DIFFER)

Rows = dict[Act, Row]


class Writer(GroupCommit[Act]):
    """Commits the record of calls; `open_calls` are those whose end is not on disk."""

    def __init__(self, engine: Engine, *, merged: bool) -> None:
        super().__init__(engine, STATEMENTS)
        self._merged = merged
        self._waiting_rejections = 0
        self.open_calls: set[uuid.UUID] = set()

    async def begin(self, rows: Rows) -> None:
        """Commit a call's first rows: as `write` in strict mode, later in merged mode.

        A key must be taken before the call, in merged mode too. Raises WriteFailed.
        """
        correlation_id = rows[Act.START]["correlation_id"]
        self.open_calls.add(correlation_id)
        if self._merged and Act.KEY not in rows:
            self.put(Item(rows))
            return
        try:
            await self.write(rows)
        except WriteFailed:
            self.open_calls.discard(correlation_id)
            raise

    async def end(self, rows: Rows) -> None:
        """Commit a call's last rows. Raises WriteFailed; a database away gets them later."""
        try:
            await self.write(rows)
        except DatabaseAway:
            self.write_late(rows)
            raise
        except WriteFailed:
            self.written(rows)  # nobody will try again: the call is swept
            raise
        self.written(rows)

    def written(self, rows: Rows) -> None:
        """What ended a call is on disk."""
        ended = rows.get(Act.END)
        if ended is not None:
            self.open_calls.discard(ended["key_correlation_id"])

    def reject(self, row: Row) -> None:
        """Keep a rejection, soon; when too many are waiting it is dropped."""
        self._put_dispensable(Act.REJECT, row)

    def differ(self, row: Row) -> None:
        """Keep a difference between two hubs' answers, likewise."""
        self._put_dispensable(Act.DIFFER, row)

    def _put_dispensable(self, act: Act, row: Row) -> None:
        if self._waiting_rejections < MAX_WAITING_REJECTIONS:
            self._waiting_rejections += 1
            self.put(Item({act: row}, is_dispensable=True))

    def prepare(self, batch: list[Item[Act]]) -> list[Item[Act]]:
        """Rejections taken off the queue make room for others; merged mode joins rows."""
        if self._waiting_rejections:
            self._waiting_rejections -= sum(
                act in item.rows for item in batch for act in _DISPENSABLE
            )
        return _joined(batch) if self._merged else batch


def _joined(batch: list[Item[Act]]) -> list[Item[Act]]:
    """Join a call's end with its beginning where both are in `batch`: one insert does."""
    begun = {
        item.rows[Act.START]["correlation_id"]: item
        for item in batch
        if Act.START in item.rows and item.committed is None
    }
    joined: list[Item[Act]] = []
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
        joined.append(Item(rows, parts=(start, item)))
        gone.add(id(start))
    return [item for item in joined if id(item) not in gone]
