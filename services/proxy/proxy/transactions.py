"""Finding calls in the record, and what was refused before it became one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.ids import lowest_id_at
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, load_only

from proxy.models import Rejection, Transaction, TransactionStatus

#: A call's id is made within this much of its `started_at`.
_ID_MARGIN = timedelta(minutes=1)

#: What a list shows of each call; the bodies and headers are for the single one.
SUMMARY = (
    Transaction.correlation_id,
    Transaction.parent_id,
    Transaction.channel_name,
    Transaction.client_name,
    Transaction.client_address,
    Transaction.organization,
    Transaction.status,
    Transaction.request_method,
    Transaction.request_url,
    Transaction.response_status_code,
    Transaction.error_message,
    Transaction.started_at,
    Transaction.completed_at,
    Transaction.duration_ms,
)


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which calls; what is None does not count.

    `response_status` is one status (`404`) or a class (`5xx`), `path` the beginning of the path,
    `q` a text anywhere in the URL or the error, `since` inclusive and `until` exclusive.
    """

    status: TransactionStatus | None = None
    channel: str | None = None
    client: str | None = None
    method: str | None = None
    path: str | None = None
    response_status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    def is_empty(self) -> bool:
        """Whether every call meets it."""
        return self == TransactionFilter()

    def criteria(self) -> list[ColumnElement[bool]]:
        """The filter in SQL."""
        found = within(self.since, self.until)
        equal = (
            (Transaction.status, self.status),
            (Transaction.channel_name, self.channel),
            (Transaction.client_name, self.client),
            (Transaction.request_method, self.method and self.method.upper()),
        )
        found += [column == value for column, value in equal if value is not None]
        if self.path:
            found.append(begins_with(Transaction.request_url, self.path))
        if self.response_status:
            found.append(_answered(self.response_status))
        if self.q:
            found.append(_mentions(self.q))
        return found


def within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Calls that started in a span of time; ids are made in order, so they narrow the search."""
    found: list[ColumnElement[bool]] = []
    if since is not None:
        found.append(Transaction.started_at >= since)
        found.append(Transaction.correlation_id >= lowest_id_at(_shifted(since, -_ID_MARGIN)))
    if until is not None:
        found.append(Transaction.started_at < until)
        found.append(Transaction.correlation_id < lowest_id_at(_shifted(until, _ID_MARGIN)))
    return found


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def begins_with(column: InstrumentedAttribute[str], start: str) -> ColumnElement[bool]:
    """Whether a text starts with `start`, letter case and all, on both databases."""
    return func.substr(column, 1, len(start)) == start


def _answered(wanted: str) -> ColumnElement[bool]:
    if wanted.endswith("xx"):
        first = int(wanted[0]) * 100
        return Transaction.response_status_code.between(first, first + 99)
    return Transaction.response_status_code == int(wanted)


def _mentions(text: str) -> ColumnElement[bool]:
    return or_(
        Transaction.request_url.icontains(text, autoescape=True),
        Transaction.error_message.icontains(text, autoescape=True),
    )


def summaries(wanted: TransactionFilter) -> Select[Transaction]:
    """The calls that meet the filter, without bodies and headers."""
    return select(Transaction).where(*wanted.criteria()).options(load_only(*SUMMARY))


def refusals(client: str | None, path: str | None) -> Select[Rejection]:
    """What was refused, of one claimed client and below one path where they are given."""
    query = select(Rejection)
    if client is not None:
        query = query.where(Rejection.client_claimed == client)
    if path:
        query = query.where(begins_with(Rejection.request_path, path))
    return query
