"""Rows that have outlived their time go in small batches, with rests: a purge holds nobody up."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, delete, inspect, select, tuple_
from sqlalchemy.orm import Session

from common.db.database import Database
from common.db.write_lock import WriteLock

#: Rows removed or changed in one transaction.
BATCH = 250
#: Between two batches a purge rests for this many times what the batch took.
RESTS = 3.0

#: Changes at most so many rows; returns how many.
Step = Callable[[Session, int], int]


def in_batches(database: Database, step: Step, batch: int | None = None) -> int:
    """Run `step` in transactions of its own until it finds no full batch; how many rows in all.

    A batch is of `BATCH` rows unless it is said otherwise.
    """
    lock, total, batch = WriteLock(database.engine), 0, batch or BATCH
    while True:
        began = time.perf_counter()
        with lock, database.writing() as session:
            count = step(session, batch)
        total += count
        if count < batch:
            return total
        time.sleep(RESTS * (time.perf_counter() - began))


def remove(
    database: Database, model: type[Any], *old: ColumnElement[bool], batch: int | None = None
) -> int:
    """Remove the rows of `model` that are `old`, in batches with rests; returns how many.

    What belongs to a row by a foreign key goes with it (`ON DELETE CASCADE`).
    """
    keys = inspect(model).primary_key

    def step(session: Session, limit: int) -> int:
        some = select(*keys).where(*old).order_by(*keys).limit(limit)
        statement = delete(model).where(tuple_(*keys).in_(some))
        gone: Any = session.execute(statement, execution_options={"synchronize_session": False})
        return int(gone.rowcount)

    return in_batches(database, step, batch)
