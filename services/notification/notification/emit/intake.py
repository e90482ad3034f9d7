"""The queue `notification.emit`: the same as `POST emit/`, handled once, whole or not at all.

An event that cannot be emitted goes to the dead-letter queue; the log names the reason.
"""

import threading

import marshmallow as ma
from common.errors import Invalid
from common.jobs.broker import open_broker
from common.jobs.events import CloudEvent, EventConsumer
from common.logs import get_logger
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Session

from notification.container import Container
from notification.emit.emitter import emitter_of
from notification.emit.event import Emission
from notification.models import SeenEvent
from notification.schemas.emit import EmitIn

log = get_logger(__name__)

#: The queue, and the type of its events.
QUEUE = TYPE = "notification.emit"


class EventHandler:
    """What is done with one event, in the transaction that remembers its id."""

    def __init__(self, container: Container) -> None:
        self._wake_up = container.wake_up
        self._emitter = emitter_of(container)
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
        sa_event.listen(session, "after_commit", lambda _session: self._wake_up.send(), once=True)

    def _read(self, event: CloudEvent) -> Emission:
        try:
            emission: Emission = self._schema.load(event.data)
        except ma.ValidationError as exc:
            fields = ", ".join(sorted(map(str, exc.normalized_messages())))
            raise Invalid(f"event {event.id}: bad fields: {fields}") from exc
        return emission


def consume_events(container: Container, stopping: threading.Event) -> None:
    """Take events until `stopping`; a broker or database that is away is waited for."""
    consumer = EventConsumer(container.database, SeenEvent, QUEUE, EventHandler(container))
    consumer.run(lambda: open_broker(container.settings), stopping)
