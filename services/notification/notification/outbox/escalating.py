"""Who listens is told that an urgent message did not arrive."""

from common.jobs.events import queue_event
from common.logs import get_logger
from sqlalchemy.orm import Session

from notification.models import OutboxEvent, OutboxMessage
from notification.outbox.claiming import Job

log = get_logger(__name__)

ESCALATED = "notification.escalated"
SOURCE = "kiungo/notification"
#: The mark in `response_payload` of a CRITICAL message that failed.
ESCALATION = {"escalation_required": True}


def escalate(session: Session, of: Job | OutboxMessage, reason: str | None) -> None:
    """Tell who listens that an urgent message did not arrive; neither its words nor its number."""
    data = {
        "outbox_id": str(of.id),
        "event_code": of.event_code,
        "channel": of.channel,
        "recipient_user_id": of.recipient_user_id,
        "recipient_actor_type": of.recipient_actor_type,
        "entity_type": of.entity_type,
        "entity_id": of.entity_id,
        "reason": reason,
    }
    queue_event(session, OutboxEvent, queue=ESCALATED, type_=ESCALATED, source=SOURCE, data=data)
    log.warning("message_escalated", outbox_id=str(of.id))
