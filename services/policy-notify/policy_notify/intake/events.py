"""The queue `policy-notify.events`: the same records and mutations as over the API.

An event about payments becomes a message, once.

An event is handled as a whole or not at all: one with a bad record goes to the dead-letter queue,
where it can be looked at and sent again; the log names the record and the reason. Workers share the
queue, so a mutation may overtake the family that it is about: its consent waits for that.
"""

import threading
from typing import Any

from common.errors import Invalid
from common.jobs.broker import open_broker
from common.jobs.events import CloudEvent, EventConsumer
from common.logs import get_logger
from sqlalchemy.orm import Session

from policy_notify.container import Container
from policy_notify.intake.bodies import MAX_RECORDS
from policy_notify.intake.consents import Consents
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.payments import keep_report, load_report
from policy_notify.intake.reading import Reading, reading_as, reading_of
from policy_notify.intake.upsert import store
from policy_notify.models import SeenEvent

log = get_logger(__name__)

QUEUE = "policy-notify.events"
#: An event's type is this and the name of a kind, or `mutation`, or `payment`.
PREFIX = "policy-notify."
MUTATION = f"{PREFIX}mutation"
PAYMENT = f"{PREFIX}payment"


class EventHandler:
    """What is done with one event, in the transaction that remembers its id."""

    def __init__(self, consents: Consents, reading: Reading) -> None:
        self._consents = consents
        self._reading = reading

    def __call__(self, session: Session, event: CloudEvent) -> None:
        """Store records or act on a mutation. Raises DomainError: the event is rejected."""
        kind = KINDS.get(event.type.removeprefix(PREFIX))
        if event.type == MUTATION:
            self._mutate(session, event)
        elif event.type == PAYMENT:
            self._report(session, event)
        elif kind is not None and event.type.startswith(PREFIX):
            self._store(session, kind, event)
        else:
            raise Invalid(f"event {event.id}: unknown type {event.type}")

    def _mutate(self, session: Session, event: CloudEvent) -> None:
        given = event.data
        if not isinstance(given, dict):
            raise Invalid(f"event {event.id}: the data is not an object")
        self._consents.mutate(session, given.get("mutation_class"), given.get("data"), waits=True)

    def _report(self, session: Session, event: CloudEvent) -> None:
        with reading_as(self._reading):
            for report in _listed(event):
                keep_report(session, load_report(report))

    def _store(self, session: Session, kind: Kind, event: CloudEvent) -> None:
        outcome = store(session, kind, _listed(event), self._reading)
        if outcome.rejected:
            first = outcome.rejected[0]
            raise Invalid(f"event {event.id}: record {first.index}: {dict(first.errors)}")
        if outcome.waiting:
            log.info("records_wait", kind=kind.name, count=len(outcome.waiting))


def _listed(event: CloudEvent) -> list[Any]:
    records = event.data if isinstance(event.data, list) else [event.data]
    if len(records) > MAX_RECORDS:
        raise Invalid(f"event {event.id}: more than {MAX_RECORDS} records")
    return records


def consume_events(container: Container, stopping: threading.Event) -> None:
    """Take events until `stopping`; a broker or database that is away is waited for."""
    handler = EventHandler(Consents(container.settings.languages), reading_of(container.settings))
    consumer = EventConsumer(container.database, SeenEvent, QUEUE, handler)
    consumer.run(lambda: open_broker(container.settings), stopping)
