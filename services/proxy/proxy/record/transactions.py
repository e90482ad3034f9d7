"""Finding calls in the record."""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from common.clock import rfc3339
from common.ids import lowest_id_at
from sqlalchemy import ColumnElement, Select, TextClause, select
from sqlalchemy.orm import Session, load_only

from proxy.models import (
    OPEN_STATUSES,
    Channel,
    Mediator,
    Transaction,
    TransactionField,
    TransactionProperty,
    TransactionStatus,
)
from proxy.models.transactions import (
    IS_SLOW,
    NOT_200,
    NOT_SUCCESSFUL,
    RARE_METHOD,
    SLOW_MS,
    USUAL_METHODS,
)
from proxy.record.addresses import may_begin_with, may_mention, said_in

Condition = ColumnElement[bool] | TextClause

#: A call's id is made within this much of its `started_at`.
_ID_MARGIN = timedelta(minutes=1)
#: What mediators know of a call's id (`X-OpenHIM-TransactionID`).
SHORT_ID_DIGITS = 24
_HEX = re.compile("[0-9a-f]+")

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
    Transaction.request_head,
    Transaction.response_status_code,
    Transaction.error_message,
    Transaction.started_at,
    Transaction.completed_at,
    Transaction.duration_ms,
)


def without_bodies(found: Mapping[str, Any]) -> dict[str, Any]:
    """A call that was read, as those see it who may not see bodies."""
    return {**found, "request_body": None, "response_body": None, "orchestrations": []}


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which calls; what is None does not count.

    `response_status` is one status (`404`) or a class (`5xx`), `path` the beginning of the path,
    `q` a text anywhere in the URL or the error, or a call's id or the first 24 hex digits of it;
    `properties` are names and values that mediators gave; `about` are the digests, in hexadecimal,
    that an indexed field may have (see `proxy.record.indexed_fields`); `since` inclusive and
    `until` exclusive.
    `mediator` is the URN of the one that the calls' channels lead to now. A call that has not ended
    has no duration yet.
    """

    status: TransactionStatus | None = None
    channel: str | None = None
    client: str | None = None
    mediator: str | None = None
    method: str | None = None
    path: str | None = None
    response_status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    properties: tuple[tuple[str, str], ...] = ()
    about: tuple[str, ...] | None = None
    #: Calls of these channels only: what whoever asks may see. None: of all.
    channels: frozenset[str] | None = None
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None

    def is_empty(self) -> bool:
        """Whether every call meets it that whoever asks may see."""
        return replace(self, channels=None) == TransactionFilter()

    def document(self) -> dict[str, Any]:
        """The filter as JSON, in the words of the list's query, less what does not count."""
        given = {name: value for name, value in asdict(self).items() if value}
        if self.about is not None:
            given["about"] = list(self.about)
        for name in ("since", "until"):
            if name in given:
                given[name] = rfc3339(given[name])
        if self.properties:
            given["properties"] = dict(self.properties)
        if self.channels is not None:
            given["channels"] = sorted(self.channels)
        return given

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The filter that `document` gave."""
        given = {name: value for name, value in document.items() if name != "sealed"}
        for name in ("since", "until"):
            if name in given:
                given[name] = datetime.fromisoformat(given[name])
        if "status" in given:
            given["status"] = TransactionStatus(given["status"])
        if "about" in given:
            given["about"] = tuple(given["about"])
        if "channels" in given:
            given["channels"] = frozenset(given["channels"])
        return cls(**{**given, "properties": tuple(given.get("properties", {}).items())})

    @property
    def reads_addresses(self) -> bool:
        """Whether it asks for what stands in addresses, which are sealed: see `is_met_at`."""
        return bool(self.path or (self.q and not ids_named(self.q)))

    def is_met_at(self, url: str, error_message: str | None) -> bool:
        """Whether a call that meets the criteria has such an address, or such an error."""
        if self.path and not url.startswith(self.path):
            return False
        is_id = not self.q or ids_named(self.q) is not None
        return is_id or said_in(self.q or "", url, error_message or "")

    def criteria(self) -> list[ColumnElement[bool]]:
        """The filter in SQL, as far as that can see: sealed addresses may meet it, or not."""
        found = within(self.since, self.until)
        found += self._equal().values()
        if self.channels is not None:
            found.append(Transaction.channel_name.in_(self.channels))
        found += self._lasted()
        if self.path:
            found.append(may_begin_with(self.path))
        found += [_has_property(*one) for one in self.properties]
        if self.about is not None:
            found.append(_is_about(self.about))
        if self.q:
            named = ids_named(self.q)
            found.append(_between(*named) if named else may_mention(self.q))
        return found

    def leads(self) -> list[list[Condition]]:
        """Parts of the filter that an index answers, newest call first.

        A mediator's channels are more than one part; see `proxy.record.search`.
        """
        equal = self._equal()
        leads: list[list[Condition]] = [
            [equal[name]] for name in ("channel", "client") if name in equal
        ]
        if self.channels is not None and len(self.channels) == 1:
            leads.append([Transaction.channel_name == next(iter(self.channels))])
        if self.min_duration_ms is not None and self.min_duration_ms >= SLOW_MS:
            leads.append([IS_SLOW, *self._lasted()])
        if self.status not in (None, TransactionStatus.SUCCESSFUL):
            leads.append([NOT_SUCCESSFUL, equal["status"]])
        if self.response_status not in (None, "200", "2xx"):
            leads.append([NOT_200, equal["response_status"]])
        if self.method and self.method.upper() not in USUAL_METHODS:
            leads.append([RARE_METHOD, equal["method"]])
        leads += [[_has_property(*one)] for one in self.properties]
        if self.about is not None:
            leads.append([_is_about(self.about)])
        return leads

    def span(self) -> list[ColumnElement[bool]]:
        """The filter's span of time as a range of ids."""
        named = ids_named(self.q) if self.q else None
        return _ids_within(self.since, self.until) + ([_between(*named)] if named else [])

    def _equal(self) -> dict[str, ColumnElement[bool]]:
        """The conditions on columns of few values, by the filter's name."""
        columns = (
            ("status", Transaction.status, self.status),
            ("channel", Transaction.channel_name, self.channel),
            ("client", Transaction.client_name, self.client),
            ("method", Transaction.request_method, self.method and self.method.upper()),
        )
        equal = {name: column == value for name, column, value in columns if value is not None}
        if self.mediator is not None:
            equal["mediator"] = Transaction.channel_name.in_(channels_of(self.mediator))
        if self.response_status:
            equal["response_status"] = _answered(self.response_status)
        return equal

    def _lasted(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.min_duration_ms is not None:
            found.append(Transaction.duration_ms >= self.min_duration_ms)
        if self.max_duration_ms is not None:
            found.append(Transaction.duration_ms <= self.max_duration_ms)
        return found


def within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Calls that started in a span of time; ids are made in order, so they narrow the search."""
    found = _ids_within(since, until)
    if since is not None:
        found.append(Transaction.started_at >= since)
    if until is not None:
        found.append(Transaction.started_at < until)
    return found


def _ids_within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if since is not None:
        found.append(Transaction.correlation_id >= lowest_id_at(_shifted(since, -_ID_MARGIN)))
    if until is not None:
        found.append(Transaction.correlation_id < lowest_id_at(_shifted(until, _ID_MARGIN)))
    return found


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def _answered(wanted: str) -> ColumnElement[bool]:
    if wanted.endswith("xx"):
        first = int(wanted[0]) * 100
        return Transaction.response_status_code.between(first, first + 99)
    return Transaction.response_status_code == int(wanted)


def ids_named(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The lowest and the highest id that `text` may name: a call's id, or what mediators know of it
    (`X-OpenHIM-TransactionID`, its first 24 hex digits); None for any other text.
    """
    digits = text.strip().replace("-", "").lower()
    if len(digits) not in (SHORT_ID_DIGITS, 32) or not _HEX.fullmatch(digits):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def _between(lowest: uuid.UUID, highest: uuid.UUID) -> ColumnElement[bool]:
    return Transaction.correlation_id.between(lowest, highest)


def _has_property(name: str, value: str) -> ColumnElement[bool]:
    found = select(TransactionProperty.correlation_id).where(
        TransactionProperty.name == name, TransactionProperty.value == value
    )
    return Transaction.correlation_id.in_(found)


def _is_about(digests: Iterable[str]) -> ColumnElement[bool]:
    known_as = [bytes.fromhex(one) for one in digests]
    found = select(TransactionField.correlation_id).where(TransactionField.digest.in_(known_as))
    return Transaction.correlation_id.in_(found)


def channels_of(urn: str) -> Select[str]:
    """The names of the channels that lead to a mediator now."""
    return select(Channel.name).join(Channel.mediator).where(Mediator.urn == urn)


def summaries(wanted: TransactionFilter) -> Select[Transaction]:
    """The calls that meet the filter's criteria, without bodies and headers."""
    return select(Transaction).where(*wanted.criteria()).options(load_only(*SUMMARY))


def calls_of(ids: Collection[uuid.UUID]) -> Select[Transaction]:
    """The calls of these ids, newest first, without bodies and headers."""
    key = Transaction.correlation_id
    return select(Transaction).where(key.in_(ids)).options(load_only(*SUMMARY)).order_by(key.desc())


def asks_reason(session: Session, *calls: Transaction) -> bool:
    """Whether bodies of these calls are opened with a reason only: as their channels say now."""
    names = {call.channel_name for call in calls if call.channel_name is not None}
    asks = select(Channel.id).where(Channel.ask_reason, Channel.name.in_(names)).limit(1)
    return session.scalar(asks) is not None


def open_calls(limit: int) -> Select[uuid.UUID, TransactionStatus]:
    """The newest calls that have not ended, and how they stand."""
    return (
        select(Transaction.correlation_id, Transaction.status)
        # The second says nothing new, but lets SQLite see that an index holds these rows.
        .where(Transaction.status.in_(OPEN_STATUSES), NOT_SUCCESSFUL)
        .order_by(Transaction.correlation_id.desc())
        .limit(limit)
    )
