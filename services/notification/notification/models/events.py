"""Events from and to other services."""

from common.db.sealed_types import SealedText
from common.jobs.events import ConsumedEvent, OutgoingEvent
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base


class SeenEvent(ConsumedEvent, Base):
    """The events of the queue that were handled."""

    __tablename__ = "consumed_events"


class OutboxEvent(OutgoingEvent, Base):
    """An event of ours, as `notification.escalated`, on its way to a queue."""

    __tablename__ = "event_outbox"

    body: Mapped[str] = mapped_column(SealedText(b"outgoing event "))
