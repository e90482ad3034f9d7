"""A database that is away is waited for: what is known of a message must not be forgotten."""

import time
from collections.abc import Callable
from typing import TypeVar

from common.db.database import Database
from common.logs import get_logger
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

log = get_logger(__name__)

T = TypeVar("T")

_PAUSE_S = 0.5


def retry_while_away(database: Database, act: Callable[[Session], T], *, at_most_s: float) -> T:
    """Do `act` in a transaction of its own, again and again while the database is away.

    `act` may be repeated although its commit came through. Raises the last error after `at_most_s`.
    """
    deadline = time.monotonic() + at_most_s
    while True:
        try:
            with database.writing() as session:
                return act(session)
        except (OperationalError, InterfaceError) as exc:
            if time.monotonic() >= deadline:
                raise
            log.warning("database_waited_for", reason=type(exc.orig).__name__)
        time.sleep(_PAUSE_S)
