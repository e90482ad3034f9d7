"""What a page shows is read in one transaction that does not hold up other requests."""

from collections.abc import Callable
from typing import Any, TypeVar

from common.console.listing import Fetch
from common.web.paging import Page, fetch_page
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from proxy.container import container

T = TypeVar("T")


def read(query: Callable[[Session], T]) -> T:
    """What `query` finds; it may run in another thread, where there is no current app."""
    with container().database.reading() as session:
        return query(session)


def rows_of(model: type[Any], query: Select[Any]) -> Fetch:
    """Reads pages of `query`, newest records first."""

    def fetch(limit: int, cursor: str | None) -> Page[Any]:
        return read(
            lambda session: fetch_page(session, query, model.id, limit=limit, cursor=cursor)
        )

    return fetch


def matching(
    model: type[Any],
    named: tuple[InstrumentedAttribute[str], ...],
    *,
    name: str | None = None,
    **equal: Any,
) -> Select[Any]:
    """The records with `name` in one of the columns `named`, and these values."""
    query = select(model).filter_by(**equal)
    if name is None:
        return query
    return query.where(or_(*(column.icontains(name, autoescape=True) for column in named)))
