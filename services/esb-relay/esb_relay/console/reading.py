"""What a page shows is read in one transaction that does not hold up other requests."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from esb_relay.parts import parts

T = TypeVar("T")


def read(query: Callable[[Session], T]) -> T:
    """What `query` finds; it may run in another thread, where there is no current app."""
    process = parts()

    def run() -> T:
        with process.database.reading() as session:
            return query(session)

    found: T = process.offload(run)
    return found
