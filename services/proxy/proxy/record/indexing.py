"""Old calls get the rows that new ones have: by the fields that their channels name now.

What is read is what was kept: requests and answers to the byte, else texts that are whole. Rows of
fields that a channel no longer names go. A run that was interrupted is begun again.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from common.db.database import Database
from common.db.write_lock import WriteLock
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable, UnknownRecord
from proxy.models import (
    FINAL_STATUSES,
    Channel,
    StoredRequest,
    StoredResponse,
    Transaction,
    TransactionField,
)
from proxy.models.sealed import NOT_STORED
from proxy.record.bodies import SHORTENED_MARK
from proxy.record.indexed_fields import IndexedField, SentBody, field_rows, fields_of
from proxy.record.rows import Row
from proxy.record.sealing import Sealer

BATCH = 50
PAUSE_S = 0.05


@dataclass(frozen=True)
class Indexed:
    """How many calls of a channel were looked at, and how many values are found now that were
    not."""

    channel: str
    calls: int
    values: int


def index_calls(
    database: Database, sealer: Sealer, *, pause_s: float = PAUSE_S
) -> Iterator[Indexed]:
    """Index the calls of every channel that names fields, the newest first."""
    with database.reading() as session:
        named = session.execute(select(Channel.name, Channel.indexed_fields)).all()
    for name, stored in named:
        fields, below, calls, values = fields_of(stored), None, 0, 0
        while fields:
            with database.reading() as session:
                found = _calls(session, name, below)
                rows = [_rows(session, sealer, fields, call) for call in found]
            if not found:
                break
            below, calls = found[-1].correlation_id, calls + len(found)
            values += _write(database, fields, found, [row for some in rows for row in some])
            time.sleep(pause_s)
        if fields:
            yield Indexed(name, calls, values)


def _calls(session: Session, channel: str, below: uuid.UUID | None) -> Sequence[Transaction]:
    ended = Transaction.channel_name == channel, Transaction.status.in_(FINAL_STATUSES)
    query = select(Transaction).where(*ended).order_by(Transaction.correlation_id.desc())
    if below is not None:
        query = query.where(Transaction.correlation_id < below)
    return session.scalars(query.limit(BATCH)).all()


def _rows(
    session: Session, sealer: Sealer, fields: Sequence[IndexedField], call: Transaction
) -> list[Row]:
    """What is to be added to a call's rows."""
    kept = session.scalars(
        select(TransactionField).where(TransactionField.correlation_id == call.correlation_id)
    ).all()
    known = {(one.name, one.digest) for one in kept}
    first = max((one.part for one in kept), default=-1) + 1
    bodies = list(_bodies(session, sealer, call))
    found = field_rows(sealer, call.correlation_id, fields, bodies, first)
    return [row for row in found if (row["name"], row["digest"]) not in known]


def _bodies(session: Session, sealer: Sealer, call: Transaction) -> Iterator[SentBody]:
    request = session.get(StoredRequest, call.correlation_id)
    answer = session.get(StoredResponse, call.correlation_id)
    with suppress(NotRepeatable, UnknownRecord):  # the key is gone
        if request is not None:
            copy = sealer.open(request)
            yield SentBody.of(copy.headers, copy.body)
        elif _is_whole(call.request_body):
            yield SentBody(call.request_body.encode())
    with suppress(NotRepeatable, UnknownRecord):
        if answer is not None:
            kept = sealer.open_response(answer)
            yield SentBody.of(kept.headers, kept.body)
        elif call.response_body and _is_whole(call.response_body):
            yield SentBody(call.response_body.encode())


def _is_whole(text: str) -> bool:
    return text != NOT_STORED and not text.endswith(SHORTENED_MARK)


def _write(
    database: Database,
    fields: Sequence[IndexedField],
    calls: Sequence[Transaction],
    rows: Sequence[Row],
) -> int:
    ids = [call.correlation_id for call in calls]
    names = {one.name for one in fields}
    gone = delete(TransactionField).where(
        TransactionField.correlation_id.in_(ids), TransactionField.name.not_in(names)
    )
    with WriteLock(database.engine), database.writing() as session:
        session.execute(gone)
        there = set(
            session.scalars(
                select(Transaction.correlation_id).where(Transaction.correlation_id.in_(ids))
            )
        )
        added = [row for row in rows if row["correlation_id"] in there]  # the rest was purged
        if added:
            session.execute(insert(TransactionField), added)
    return len(added)
