"""The gateway's writer: group commit, with a call's first and last row joined where that is asked.

`strict`: every row is waited for. `merged`: a call's first row is only queued, and joined with its
last where both meet in one batch. Refusals are never waited for.
"""

from collections.abc import Callable
from typing import Any

from common.group_commit import AlreadyThere, GroupCommit, Item, WriteFailed
from sqlalchemy import Engine

from proxy.gateway.recording import Row
from proxy.gateway.statements import STATEMENTS, Act

__all__ = ["AlreadyThere", "Rows", "WriteFailed", "Writer"]

#: Refusals beyond this many waiting ones are not kept: a flood must not eat the memory.
MAX_WAITING_REFUSALS = 2_000

Rows = dict[Act, Row]


class Writer(GroupCommit[Act]):
    """Commits the record of calls."""

    def __init__(
        self, engine: Engine, *, merged: bool, offload: Callable[[Callable[[], Any]], Any]
    ) -> None:
        super().__init__(engine, STATEMENTS, offload=offload)
        self._merged = merged
        self._waiting_refusals = 0

    def begin(self, rows: Rows) -> None:
        """Commit a call's first rows: as `write` in strict mode, later in merged mode."""
        if self._merged:
            self.put(Item(rows))
        else:
            self.write(rows)

    def refuse(self, row: Row) -> None:
        """Keep a refusal, soon; when too many are waiting it is dropped."""
        if self._waiting_refusals < MAX_WAITING_REFUSALS:
            self._waiting_refusals += 1
            self.put(Item({Act.REFUSE: row}, is_dispensable=True))

    def prepare(self, batch: list[Item[Act]]) -> list[Item[Act]]:
        """Refusals taken off the queue make room for others; merged mode joins rows."""
        self._waiting_refusals -= sum(Act.REFUSE in item.rows for item in batch)
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
