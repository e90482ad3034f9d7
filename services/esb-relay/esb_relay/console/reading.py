"""What a page shows is read in one transaction."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from esb_relay.container import container

T = TypeVar("T")


def read(query: Callable[[Session], T]) -> T:
    """What `query` finds."""
    with container().database.reading() as session:
        return query(session)
