"""Calls that a killed process left `processing` are ended: their outcome is not known."""

import json
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database, is_sqlite
from common.logs import get_logger
from common.web.problems import MEDIA_TYPE, problem
from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from proxy.gateway.async_calls import INTERRUPTED
from proxy.models import (
    AsyncCall,
    GatewayProcess,
    IdempotencyKey,
    Transaction,
    TransactionStatus,
)
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.retry_rows import note_interrupted

log = get_logger(__name__)

#: A process that has not signed for this long is dead.
DEAD_AFTER = timedelta(seconds=15)
#: A call that no worker has in hand and that stands `processing` for longer is nobody's.
NOBODYS_AFTER = timedelta(minutes=1)
#: The second says nothing new, but lets SQLite see that an index holds these rows.
_OPEN = (Transaction.status == TransactionStatus.PROCESSING, NOT_SUCCESSFUL)


def end_interrupted(database: Database) -> int:
    """End the `processing` calls of dead processes and of nobody; returns how many."""
    now = utc_now()
    alive = select(GatewayProcess.name).where(GatewayProcess.seen_at >= now - DEAD_AFTER)
    is_in_hand = exists().where(AsyncCall.correlation_id == Transaction.correlation_id)
    which = or_(
        Transaction.owner.is_not(None) & Transaction.owner.not_in(alive),
        Transaction.owner.is_(None) & (Transaction.started_at < now - NOBODYS_AFTER) & ~is_in_hand,
    )
    is_forgotten = GatewayProcess.seen_at < now - 20 * DEAD_AFTER
    # Outside of a transaction that writes: on SQLite it would hold up every call.
    with database.reading() as session:
        _look_along_the_index(session)
        if not session.scalar(select(exists().where(*_OPEN, which) | exists().where(is_forgotten))):
            return 0
    with database.writing() as session:
        _look_along_the_index(session)
        count = _end(session, now, which)
        session.execute(delete(GatewayProcess).where(is_forgotten))
    return count


def end_unknown(
    database: Database, owner: str, known: Collection[uuid.UUID], before: datetime
) -> int:
    """End the `processing` calls of `owner` that it does not know, begun before `before`."""
    with database.reading() as session:
        _look_along_the_index(session)
        own = session.scalars(
            select(Transaction.correlation_id).where(
                *_OPEN,
                Transaction.owner == owner,
                Transaction.started_at < before,
            )
        ).all()
    lost = [one for one in own if one not in known]
    if not lost:
        return 0
    with database.writing() as session:
        return _end(session, utc_now(), Transaction.correlation_id.in_(lost))


def _look_along_the_index(session: Session) -> None:
    """Let PostgreSQL read open calls one by one for the rest of the transaction.

    Each call leaves an index entry `processing` behind. Read so, the entry is marked as dead, and
    the next look passes over it; a bitmap visits all of them every time until the next vacuum.
    """
    if not is_sqlite(session.connection().engine):
        session.execute(select(func.set_config("enable_bitmapscan", "off", True)))


def _end(session: Session, now: datetime, which: ColumnElement[bool]) -> int:
    ended = session.scalars(
        update(Transaction)
        .where(*_OPEN, which)
        .values(status=TransactionStatus.FAILED, error_message=INTERRUPTED, completed_at=now)
        .returning(Transaction.correlation_id)
    ).all()
    note_interrupted(session, ended, now)
    for correlation_id in ended:
        _answer_key(session, str(correlation_id), correlation_id)
    if ended:
        log.warning("interrupted_calls_ended", count=len(ended))
    return len(ended)


def _answer_key(session: Session, shown_id: str, correlation_id: object) -> None:
    """An interrupted call's Idempotency-Key answers from now on that its outcome is unknown."""
    body = json.dumps(problem(502, INTERRUPTED, correlation_id=shown_id)).encode()
    session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.correlation_id == correlation_id,
            IdempotencyKey.response_status_code.is_(None),
        )
        .values(
            response_status_code=502,
            response_headers=[["Content-Type", MEDIA_TYPE], ["X-Correlation-Id", shown_id]],
            response_body=body,
        )
    )
