"""The queue `policy-notify.events`: the same records and mutations as over the API.

An event is handled as a whole or not at all: one with a bad record goes to the dead-letter queue,
where it can be looked at and sent again; the log names the record and the reason.
"""

import threading
import time

from common.broker import open_broker
from common.errors import Invalid
from common.events import CloudEvent, EventConsumer
from common.logs import get_logger
from sqlalchemy.orm import Session

from policy_notify.consent import Consents
from policy_notify.errors import UnknownRecord
from policy_notify.intake.bodies import MAX_RECORDS
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.upsert import store
from policy_notify.models import SeenEvent
from policy_notify.parts import Parts

log = get_logger(__name__)

QUEUE = "policy-notify.events"
#: An event's type is this and the name of a kind, or `mutation`.
PREFIX = "policy-notify."
MUTATION = f"{PREFIX}mutation"

#: How long a mutation waits for its family, by attempts: another worker may have that in hand.
PATIENCE_S = (0.1, 0.4, 1.5)


class EventHandler:
    """What is done with one event, in the transaction that remembers its id."""

    def __init__(self, consents: Consents) -> None:
        self._consents = consents

    def __call__(self, session: Session, event: CloudEvent) -> None:
        """Store records or act on a mutation. Raises DomainError: the event is refused."""
        kind = KINDS.get(event.type.removeprefix(PREFIX))
        if event.type == MUTATION:
            self._mutate(session, event)
        elif kind is not None and event.type.startswith(PREFIX):
            self._store(session, kind, event)
        else:
            raise Invalid(f"event {event.id}: unknown type {event.type}")

    def _mutate(self, session: Session, event: CloudEvent) -> None:
        given = event.data
        if not isinstance(given, dict):
            raise Invalid(f"event {event.id}: the data is not an object")
        self._consents.mutate(session, given.get("mutation_class"), given.get("data"))

    @staticmethod
    def _store(session: Session, kind: Kind, event: CloudEvent) -> None:
        records = event.data if isinstance(event.data, list) else [event.data]
        if len(records) > MAX_RECORDS:
            raise Invalid(f"event {event.id}: more than {MAX_RECORDS} records")
        outcome = store(session, kind, records)
        if outcome.rejected:
            first = outcome.rejected[0]
            raise Invalid(f"event {event.id}: record {first.index}: {dict(first.errors)}")
        if outcome.waiting:
            log.info("records_wait", kind=kind.name, count=len(outcome.waiting))


class _Consumer(EventConsumer):
    """Workers share the queue, so that a mutation may overtake the family which it is about."""

    def _once(self, event: CloudEvent) -> None:
        for wait_s in PATIENCE_S:
            try:
                return super()._once(event)
            except UnknownRecord:
                time.sleep(wait_s)
        return super()._once(event)


def consume_events(parts: Parts, stopping: threading.Event) -> None:
    """Take events until `stopping`; a broker or database that is away is waited for."""
    handler = EventHandler(Consents(parts.settings.languages))
    consumer = _Consumer(parts.database, SeenEvent, QUEUE, handler)
    consumer.run(lambda: open_broker(parts.settings), stopping)
