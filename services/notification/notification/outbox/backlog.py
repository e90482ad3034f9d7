"""How the outbox stands: messages by status, and since when the oldest has been due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from notification.models import MessageStatus, OutboxMessage
from notification.models.outbox import IS_WAITING
from notification.outbox.messages import is_due

#: Of each status no more are counted, so that years of messages cost no time.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Backlog:
    """Messages by status; a count of more than MOST_COUNTED means "and more"."""

    counts: Mapping[MessageStatus, int]
    oldest_due_at: datetime | None


def backlog(session: Session, now: datetime) -> Backlog:
    """The outbox at this moment."""
    # The literal condition is the index's own: a database knows by it which index serves.
    due = select(func.min(OutboxMessage.next_attempt_at)).where(IS_WAITING, is_due(now))
    return Backlog(
        counts={status: count_of(session, status) for status in MessageStatus},
        oldest_due_at=session.scalar(due),
    )


def count_of(session: Session, status: MessageStatus) -> int:
    """How many messages have this status; MOST_COUNTED + 1 for all that is more."""
    some = select(literal(1)).where(OutboxMessage.status == status).limit(MOST_COUNTED + 1)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0
