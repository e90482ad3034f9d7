"""Which kinds of error calls failed with: messages without what differs from call to call.

Whole hours as the worker summed them up, the rest as on record.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.errors import Invalid
from common.texts import _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import DailyErrorRollup, MediatorRollup, Transaction, TransactionStatus
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.rollups import on_the_hour, rolled_up_until
from proxy.statistics.stored import ERRORS, Part, parts

USUAL_SPAN = timedelta(days=1)
LONGEST_SPAN = timedelta(days=92)
KIND_CHARS = 200
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: Quoted values; UUIDs; other words with a digit in them: ids, numbers, addresses, moments.
_DIFFERS = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|\b[\w.:/@+-]*\d[\w.:/@+-]*""")


def kind_of(message: str | None, answer: int | None) -> str:
    """The shape of an error message; without one, what the mediator answered. Pure.

    `Timeout after 30 s for 'ORG7'` is `Timeout after # s for '…'`.
    """
    if not message:
        return "no answer" if answer is None else f"answered {answer}"
    line = " ".join(message.split())
    return _DIFFERS.sub(lambda found: "'…'" if found[0][0] in "'\"`" else "#", line)[:KIND_CHARS]


@dataclass
class ErrorKind:
    """Calls of one channel that failed in one way; `example` is the newest of them."""

    channel: str
    kind: str
    count: int
    example: uuid.UUID
    first_hour: datetime
    last_hour: datetime
    is_new: bool = False


def counted_errors(session: Session, since: datetime, until: datetime) -> list[ErrorKind]:
    """The calls that failed in a span, counted in the record, by the hour of the clock."""
    query = select(
        Transaction.channel_name,
        Transaction.error_message,
        Transaction.response_status_code,
        Transaction.correlation_id,
        Transaction.started_at,
    ).where(NOT_SUCCESSFUL, Transaction.status == TransactionStatus.FAILED, *within(since, until))
    found: dict[tuple[datetime, str, str], ErrorKind] = {}
    for channel, message, answer, call, started_at in session.execute(query):
        hour = on_the_hour(started_at)
        one = ErrorKind(channel or "", kind_of(message, answer), 1, call, hour, hour)
        _add(found, (hour, one.channel, one.kind), one)
    return list(found.values())


def error_kinds(
    session: Session, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, Sequence[ErrorKind]]:
    """Since when, and the kinds of the span: new ones first, then by calls. Raises Invalid.

    A kind is new where no earlier hour that is summed up has it.
    """
    until = until or now
    since = on_the_hour(since or until - USUAL_SPAN)
    if not timedelta() < until - since <= LONGEST_SPAN:
        reason = _("Before until, and at most %(days)s days.", days=LONGEST_SPAN.days)
        raise Invalid(f"since: {reason}", {"since": [reason]})
    known_until = rolled_up_until(session, MediatorRollup) or since
    end = max(since, min(known_until, on_the_hour(until)))
    found = stored_errors(session, parts(session, ERRORS, since, end))
    for one in counted_errors(session, end, until):
        _add(found, (one.channel, one.kind), one)
    known = _known_before(session, since)
    for key, one in found.items():
        one.is_new = key not in known
    names = sorted(found.values(), key=lambda one: (one.kind, one.channel))
    return since, sorted(names, key=lambda one: (not one.is_new, -one.count))


def _add(found: dict[Any, ErrorKind], key: Any, one: ErrorKind) -> None:
    had = found.setdefault(key, one)
    if had is not one:
        had.count += one.count
        had.first_hour = min(had.first_hour, one.first_hour)
        had.last_hour, had.example = max((had.last_hour, had.example), (one.last_hour, one.example))


def stored_errors(session: Session, found: Sequence[Part]) -> dict[tuple[str, str], ErrorKind]:
    """What the rows of parts add up to, by channel and kind."""
    kinds: dict[tuple[str, str], ErrorKind] = {}
    for part in found:
        for row in session.scalars(select(part.table).where(*part.criteria())):
            is_day = isinstance(row, DailyErrorRollup)
            hours = (row.first_hour, row.last_hour) if is_day else (row.hour, row.hour)
            one = ErrorKind(row.channel_name, row.kind, row.calls, row.example, *hours)
            _add(kinds, (one.channel, one.kind), one)
    return kinds


def _known_before(session: Session, since: datetime) -> set[tuple[str, str]]:
    known: set[tuple[str, str]] = set()
    for part in parts(session, ERRORS, _LONG_AGO, since):
        query = select(part.table.channel_name, part.table.kind).where(*part.criteria())
        known |= {(channel, kind) for channel, kind in session.execute(query.distinct())}
    return known
