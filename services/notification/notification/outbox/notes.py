"""Entries of the delivery log that are no attempts: what was decided about a message, and why."""

from datetime import datetime

from sqlalchemy.orm import Session

from notification.models import AttemptStatus, DeliveryLog, OutboxMessage


def note(
    session: Session, row: OutboxMessage, what: AttemptStatus, why: str, now: datetime
) -> None:
    """Add an entry after the message's attempts; later attempts are numbered after it."""
    row.earlier_entries += 1
    session.add(
        DeliveryLog(
            outbox_id=row.id,
            attempt_no=row.earlier_entries + row.attempt_count,
            status=what,
            error_message=why,
            created_at=now,
            ended_at=now,
        )
    )
