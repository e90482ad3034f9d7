"""Calls about somebody or something: found by a value that an index knows, or by words.

A source says which calls have a value, the newest first.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.roles import Names
from proxy.models import Transaction, TransactionProperty
from proxy.record.addresses import Found
from proxy.record.indexed_fields import by_field
from proxy.record.sealing import Sealer
from proxy.record.search import find
from proxy.record.transactions import TransactionFilter, summaries

#: Of each source, so many calls are shown.
MOST_INDEXED = 200

Source = Callable[[Session, Sealer, str, int], Sequence[uuid.UUID]]


def by_property(session: Session, _sealer: Sealer, value: str, limit: int) -> Sequence[uuid.UUID]:
    """The calls that a mediator gave a property of this value, whatever it is called."""
    key = TransactionProperty.correlation_id
    query = select(key).where(TransactionProperty.value == value).order_by(key.desc())
    return session.scalars(query.limit(limit)).all()


SOURCES: tuple[Source, ...] = (by_property, by_field)


def calls_about(
    session: Session,
    sealer: Sealer,
    wanted: TransactionFilter,
    bodies: Names,
    *,
    limit: int,
    cursor: str | None,
) -> Found[Transaction]:
    """The newest calls whose properties or indexed fields are `wanted.q`, or whose URL or error
    mentions it.

    What the sources know is content: of their calls, those of the channels `bodies` count.

    The calls of the sources come with the first page, however old they are; `searched_back_to` is
    how far URLs and errors were read. Raises Invalid for a cursor that was never given out.
    """
    mentioned = find(session, wanted, limit=limit, cursor=cursor)
    indexed = [] if cursor else _indexed(session, sealer, wanted.q or "", bodies)
    calls = {call.correlation_id: call for call in (*mentioned.data, *indexed)}
    newest_first = [calls[key] for key in sorted(calls, reverse=True)]
    return replace(mentioned, data=newest_first)


def _indexed(session: Session, sealer: Sealer, text: str, bodies: Names) -> Sequence[Transaction]:
    ids = {found for source in SOURCES for found in source(session, sealer, text, MOST_INDEXED)}
    if not ids:
        return []
    named = summaries(TransactionFilter(channels=bodies))
    return session.scalars(named.where(Transaction.correlation_id.in_(ids))).all()
