"""UNKNOWN messages: the provider is asked; when it cannot say, the event's policy decides.

Nothing is sent a second time silently: a message that goes out again has an entry that says why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from common.clock import utc_now
from common.db.database import Database
from common.jobs.leases import is_free
from common.logs import get_logger
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    Event,
    MessageStatus,
    OutboxMessage,
    UnknownPolicy,
)
from notification.outbox import delivery_log
from notification.outbox.attempts import ended, message_of
from notification.outbox.claiming import Job
from notification.outbox.notes import note
from notification.outbox.outcomes import asked_again_at
from notification.transports import Outcome, Result, Transport

log = get_logger(__name__)

#: Messages asked about in one step.
BATCH = 10
RESENT = "Unknown; sent again as its event wants it. It may arrive twice"


class Reconciler:
    """Finds out what became of UNKNOWN messages. `wait`: how long before the policy decides."""

    def __init__(self, database: Database, *, lease: timedelta, wait: timedelta) -> None:
        self._database = database
        self._lease = lease
        self._wait = wait

    def step(self, transport: Transport) -> int:
        """Ask about some messages of the transport's channel; returns how many."""
        with self._database.writing() as session:
            rows = _of_unknown_outcome(session, transport.channel, utc_now())
            for row in rows:
                row.lease_token, row.lease_until = uuid4(), utc_now() + self._lease
        for row in rows:
            result = _ask(transport, row)
            with self._database.writing() as session:
                self._settle(session, row, result, utc_now())
        return len(rows)

    def _settle(
        self, session: Session, claimed: OutboxMessage, result: Result | None, now: datetime
    ) -> None:
        """Write what was learnt, unless a receipt or an operator was faster."""
        doubtful = select(OutboxMessage).where(
            OutboxMessage.id == claimed.id,
            OutboxMessage.status == MessageStatus.UNKNOWN,
            OutboxMessage.lease_token == claimed.lease_token,
        )
        row = session.scalar(doubtful.with_for_update())
        if row is None:
            return
        entry = _unknown_attempt(session, row)
        if result is not None and result.outcome is not Outcome.UNKNOWN:
            _resolve(session, row, entry, result, now)
            return
        row.lease_token = row.lease_until = None
        again = asked_again_at(entry.ended_at or now, now, self._wait)
        if again is not None:
            row.next_attempt_at = again
        else:
            _decide(session, row, now)


def _ask(transport: Transport, row: OutboxMessage) -> Result | None:
    """What the provider says; a transport with a bug has nothing to say."""
    try:
        return transport.ask(message_of(row), row.provider)
    except Exception:
        log.exception("transport_broke", outbox_id=str(row.id))
        return None


def _of_unknown_outcome(
    session: Session, channel: ChannelCode, now: datetime
) -> Sequence[OutboxMessage]:
    """Messages that somebody should ask about now."""
    return session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.status == MessageStatus.UNKNOWN,
            OutboxMessage.is_final.is_(False),
            OutboxMessage.channel == channel,
            is_free(OutboxMessage, now),
        )
        .order_by(OutboxMessage.next_attempt_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _unknown_attempt(session: Session, row: OutboxMessage) -> DeliveryLog:
    """The last attempt's entry."""
    entries = select(DeliveryLog).where(
        DeliveryLog.outbox_id == row.id, DeliveryLog.status == AttemptStatus.UNKNOWN
    )
    entry = session.scalar(entries.order_by(DeliveryLog.attempt_no.desc()).limit(1))
    assert entry is not None, "an UNKNOWN message has an UNKNOWN attempt"
    return entry


def _resolve(
    session: Session, row: OutboxMessage, entry: DeliveryLog, result: Result, now: datetime
) -> None:
    """The attempt gets its ending after all; its entry keeps why it was UNKNOWN."""
    response = {**(result.response or {}), "was_in_doubt": entry.error_message}
    attempt = ended(Job.of(row), replace(result, response=response), now)
    assert row.lease_token is not None
    delivery_log.end(session, [attempt], now, row.lease_token)
    log.info("doubt_resolved", outbox_id=str(row.id), outcome=result.outcome.name)


def _decide(session: Session, row: OutboxMessage, now: datetime) -> None:
    """Nobody could say: the event's policy is asked, and while attempts are left it may resend."""
    policy = session.scalar(select(Event.when_unknown).where(Event.code == row.event_code))
    if policy is UnknownPolicy.RESEND and row.attempt_count < row.max_attempts:
        row.status, row.next_attempt_at = MessageStatus.QUEUED, now
        note(session, row, AttemptStatus.RESENT, RESENT, now)
        log.warning("unknown_message_sent_again", outbox_id=str(row.id))
    else:
        row.is_final = True
        log.warning("unknown_message_held", outbox_id=str(row.id))
