"""Calls that a killed process left `processing` are ended: their outcome is not known."""

import json

from common.clock import utc_now
from common.database import Database
from common.logs import get_logger
from common.problems import MEDIA_TYPE, problem
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from proxy.async_calls import INTERRUPTED
from proxy.gateway.presence import DEAD_AFTER, forget_dead
from proxy.models import GatewayProcess, IdempotencyKey, Transaction, TransactionStatus

log = get_logger(__name__)

BATCH = 500


def end_interrupted(database: Database) -> int:
    """End the `processing` calls of dead processes; returns how many."""
    now = utc_now()
    alive = select(GatewayProcess.name).where(GatewayProcess.seen_at >= now - DEAD_AFTER)
    with database.writing() as session:
        ended = session.scalars(
            update(Transaction)
            .where(
                Transaction.status == TransactionStatus.PROCESSING,
                Transaction.owner.is_not(None),
                Transaction.owner.not_in(alive),
            )
            .values(status=TransactionStatus.FAILED, error_message=INTERRUPTED, completed_at=now)
            .returning(Transaction.correlation_id)
        ).all()
        for correlation_id in ended:
            _answer_key(session, str(correlation_id), correlation_id)
    if ended:
        log.warning("interrupted_calls_ended", count=len(ended))
    forget_dead(database)
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
