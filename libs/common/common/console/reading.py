"""What pages show is read in transactions of their own, which end before the page is written."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.console.listing import Fetch
from common.db.database import Database
from common.web.paging import Page, fetch_page

T = TypeVar("T")


def _as_found(_session: Session, found: list[Any]) -> Sequence[Any]:
    return found


class Reading:
    """Reads a service's `database`, which is asked for when a page is."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    def read(self, query: Callable[[Session], T]) -> T:
        """What `query` finds."""
        with self._database().reading() as session:
            return query(session)

    def rows_of(
        self,
        query: Callable[[], Select[Any]],
        key: InstrumentedAttribute[Any],
        shown: Callable[[Session, list[Any]], Sequence[Any]] = _as_found,
    ) -> Fetch:
        """Reads pages of `query`, by the unique column `key`; it is made only if rows are wanted.

        `shown` makes records into rows.
        """

        def fetch(limit: int, cursor: str | None) -> Page[Any]:
            def read_page(session: Session) -> Page[Any]:
                page = fetch_page(session, query(), key, limit=limit, cursor=cursor)
                return Page(shown(session, list(page.data)), page.next_cursor)

            return self.read(read_page)

        return fetch
