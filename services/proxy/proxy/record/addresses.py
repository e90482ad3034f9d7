"""Looking for what stands in addresses, which are sealed: the database narrows by what is in clear,
the rest is opened and looked into here.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from common.db.sealed_texts import texts_of
from common.ids import moment_of
from common.web.paging import MAX_LIMIT, Page, bounded, encode_cursor, fetch_page
from sqlalchemy import ColumnElement, Row, Select, String, and_, func, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from proxy.models import Rejection, ShadowDifference, Transaction
from proxy.models.sealed import REQUEST_HEADS, UNSAID

Kept = TypeVar("Kept", Transaction, Rejection, ShadowDifference)

#: No step of a search begins later than this.
BUDGET_S = 0.08
#: What says of a call whether its address is meant.
ADDRESS = (
    Transaction.correlation_id,
    Transaction.request_url,
    Transaction.request_head,
    Transaction.error_message,
)


@dataclass(frozen=True)
class Found(Page[Kept]):
    """A page of what was searched; `searched_back_to` when there was no time to fill it."""

    searched_back_to: datetime | None = None


def may_begin_with(path: str) -> ColumnElement[bool]:
    """Calls whose address begins so, or may where it is sealed: by what of it is in clear."""
    said, sealed = Transaction.request_url, Transaction.request_head.is_not(None)
    length = func.length(func.replace(said, UNSAID, ""))
    literal = func.substr(path, 1, length, type_=String)
    return or_(_begins_with(said, path), and_(sealed, literal + UNSAID == said))


def may_mention(text: str) -> ColumnElement[bool]:
    """Calls that mention a text in what is in clear, or may in what is sealed."""
    return or_(
        Transaction.request_head.is_not(None),
        Transaction.request_url.icontains(text, autoescape=True),
        Transaction.error_message.icontains(text, autoescape=True),
    )


def _begins_with(column: InstrumentedAttribute[str], start: str) -> ColumnElement[bool]:
    """Whether a text starts with `start`, letter case and all, on both databases."""
    return func.substr(column, 1, len(start)) == start


def said_in(text: str, *places: str) -> bool:
    """Whether one of the places holds the text, in whatever letter case. Pure."""
    return any(text.lower() in place.lower() for place in places)


def with_addresses(session: Session, rows: Select[Any]) -> Iterator[tuple[Row[Any], str]]:
    """The rows of a query of `ADDRESS`, each with its address as it was."""
    texts = texts_of(session)
    for row in session.execute(rows):
        url = row.request_url
        if texts is not None and row.request_head is not None:
            opened = REQUEST_HEADS.opened(texts, row.request_head, row.correlation_id)
            url = opened["request_url"]
        yield row, url


def page_at(
    session: Session,
    query: Select[Kept],
    key: InstrumentedAttribute[Any],
    address: Callable[[Kept], str],
    start: str | None,
    *,
    limit: int,
    cursor: str | None,
) -> Page[Kept]:
    """The page of what was asked for at addresses that begin with `start`, newest first."""
    if not start:
        return Found(**vars(fetch_page(session, query, key, limit=limit, cursor=cursor)))
    until, limit = time.monotonic() + BUDGET_S, bounded(limit)
    found: list[Kept] = []
    while True:
        page = fetch_page(session, query, key, limit=MAX_LIMIT, cursor=cursor)
        found += [one for one in page.data if address(one).startswith(start)]
        if len(found) > limit:
            return Found(found[:limit], encode_cursor(found[limit - 1].correlation_id))
        cursor = page.next_cursor
        if cursor is None or time.monotonic() > until:
            edge = moment_of(page.data[-1].correlation_id) if cursor else None
            return Found(found, cursor, searched_back_to=edge)
