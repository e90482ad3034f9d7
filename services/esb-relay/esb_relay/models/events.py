"""Events that wait to be put on a queue."""

from common.jobs.events import OutgoingEvent

from esb_relay.models.base import Base


class OutboxEvent(OutgoingEvent, Base):
    """A call of the bus on its way to a queue."""

    __tablename__ = "event_outbox"
