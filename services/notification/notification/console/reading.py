"""What pages read: lists by pages, and what a field offers to choose from."""

from collections.abc import Callable, Sequence
from typing import Any

from common.console.listing import Fetch
from common.texts import _
from common.web.paging import Page, fetch_page
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from notification.container import container
from notification.models import Event, Lookup

#: So many codes are offered where one is typed.
_CODES_OFFERED = 500


def rows_of(query: Callable[[], Select[Any]], key: InstrumentedAttribute[Any]) -> Fetch:
    """Reads pages of `query`, by the unique column `key`; it is made only if rows are wanted."""

    def fetch(limit: int, cursor: str | None) -> Page[Any]:
        with container().database.reading() as session:
            return fetch_page(session, query(), key, limit=limit, cursor=cursor)

    return fetch


def choices(model: type[Lookup]) -> list[tuple[str, str]]:
    """A vocabulary's codes with their names."""
    with container().database.reading() as session:
        found = session.scalars(select(model).order_by(model.id))
        return [(one.code, _(one.name)) for one in found]


def event_codes() -> Sequence[str]:
    """The codes of events, to choose from."""
    with container().database.reading() as session:
        query = select(Event.code).order_by(Event.code).limit(_CODES_OFFERED)
        return session.scalars(query).all()
