"""An SQLite file gives back what was removed from it, in small steps with rests."""

import time
from typing import Any

from sqlalchemy import Connection

from common.db.database import Database, is_sqlite
from common.db.purging import RESTS
from common.db.write_lock import WriteLock
from common.logs import get_logger

log = get_logger(__name__)

#: Pages (of 4 KiB) that are given back in one transaction.
STEP = 500
#: The share of a file that may be free: what comes next goes there.
SLACK = 0.1


def give_back(database: Database) -> int:
    """Shrink the file until no more of it is free than `SLACK`; the pages given back.

    On PostgreSQL there is nothing to do, nor in a file that was not yet written anew by an upgrade.
    """
    if not is_sqlite(database.engine):
        return 0
    lock, total = WriteLock(database.engine), 0
    while True:
        began = time.perf_counter()
        with lock, database.engine.begin() as connection:
            pages = min(_spare(connection), STEP)
            if pages > 0:
                _vacuum(connection, pages)
        if pages <= 0:
            break
        total += pages
        time.sleep(RESTS * (time.perf_counter() - began))
    if total:
        log.info("file_shrunk", pages=total)
    return total


def _vacuum(connection: Connection, pages: int) -> None:
    """The driver must step through the statement: each step gives one page back."""
    raw: Any = connection.connection.driver_connection
    raw.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()


def _spare(connection: Connection) -> int:
    """How many pages are free beyond `SLACK`."""
    mode, pages, free = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("auto_vacuum", "page_count", "freelist_count")
    )
    return int(free - SLACK * pages) if mode else 0
