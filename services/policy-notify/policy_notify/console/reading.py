"""What pages read: lists by pages, and what filters offer to choose from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common.console.listing import Fetch
from common.web.paging import Page, fetch_page
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from policy_notify.container import container
from policy_notify.models import Location, LocationLevel, Officer

#: So many officers are offered at most; a scheme has some hundred.
_MOST = 2_000

Options = list[tuple[str, str]]


def rows_of(
    query: Select[Any],
    key: InstrumentedAttribute[Any],
    shown: Callable[[Session, list[Any]], Sequence[Any]] = lambda _session, found: found,
) -> Fetch:
    """Reads pages of `query`, by the unique column `key`; `shown` makes its records into rows."""
    database = container().database

    def fetch(limit: int, cursor: str | None) -> Page[Any]:
        with database.reading() as session:
            page = fetch_page(session, query, key, limit=limit, cursor=cursor)
            return Page(shown(session, list(page.data)), page.next_cursor)

    return fetch


@dataclass(frozen=True)
class Offered:
    """The options of the filters."""

    regions: Options
    districts: Options
    officers: Options


def offered(session: Session) -> Offered:
    """Everything there is to choose from, by code."""
    return Offered(
        regions=_places(session, LocationLevel.REGION),
        districts=_places(session, LocationLevel.DISTRICT),
        officers=officers(session),
    )


def officers(session: Session) -> Options:
    """The officers by code."""
    found = session.scalars(select(Officer).order_by(Officer.code).limit(_MOST))
    return [(str(one.uuid), f"{one.code} {one.other_names} {one.last_name}") for one in found]


def _places(session: Session, level: LocationLevel) -> Options:
    query = select(Location).where(Location.level == level).order_by(Location.code).limit(_MOST)
    return [(str(one.uuid), f"{one.code} {one.name}") for one in session.scalars(query)]
