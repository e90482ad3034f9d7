"""The queue `notification.emit`: the same as `POST emit/`, handled once, whole or not at all.

An event that cannot be emitted goes to the dead-letter queue; the log names the reason.
"""

import threading

import marshmallow as ma
from common.broker import open_broker
from common.errors import Invalid
from common.events import CloudEvent, EventConsumer
from common.logs import get_logger
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Session

from notification.emission import Emission
from notification.emitting import Emitter
from notification.models import SeenEvent
from notification.parts import Parts
from notification.schemas.emit import EmitIn

log = get_logger(__name__)

#: The queue, and the type of its events.
QUEUE = TYPE = "notification.emit"


class EventHandler:
    """What is done with one event, in the transaction that remembers its id."""

    def __init__(self, parts: Parts) -> None:
        self._bell = parts.bell
        self._emitter = Emitter(parts.database, parts.settings.phone_region)
        self._schema = EmitIn()

    def __call__(self, session: Session, event: CloudEvent) -> None:
        """Queue its messages; the worker is woken after the commit. Raises DomainError."""
        if event.type != TYPE:
            raise Invalid(f"event {event.id}: unknown type {event.type}")
        emitted = self._emitter.emit_within(session, self._read(event))
        log.info(
            "event_emitted",
            event_id=event.id,
            queued=emitted.queued_count,
            skipped=len(emitted.skipped),
            reason=emitted.reason,
        )
        sa_event.listen(session, "after_commit", lambda _session: self._bell.ring(), once=True)

    def _read(self, event: CloudEvent) -> Emission:
        try:
            emission: Emission = self._schema.load(event.data)
        except ma.ValidationError as exc:
            fields = ", ".join(sorted(map(str, exc.normalized_messages())))
            raise Invalid(f"event {event.id}: bad fields: {fields}") from exc
        return emission


def consume_events(parts: Parts, stopping: threading.Event) -> None:
    """Take events until `stopping`; a broker or database that is away is waited for."""
    consumer = EventConsumer(parts.database, SeenEvent, QUEUE, EventHandler(parts))
    consumer.run(lambda: open_broker(parts.settings), stopping)
