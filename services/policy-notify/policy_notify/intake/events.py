"""The queue `policy-notify.events`: the same records and mutations as over the API.

An event is handled as a whole or not at all: one with a bad record goes to the dead-letter queue,
where it can be looked at and sent again; the log names the record and the reason.
"""

import threading
from collections.abc import Callable

from common.broker import BROKER_ERRORS, open_broker
from common.errors import Invalid
from common.events import CloudEvent, EventConsumer
from common.logs import get_logger
from kombu.connection import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policy_notify.consent import Consents
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

_DRAIN_S = 1.0
_PAUSE_S = 2.0


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


def consume_events(parts: Parts, stopping: threading.Event) -> None:
    """Take events until `stopping`; a broker or database that is away is waited for."""
    handler = EventHandler(Consents(parts.settings.languages))
    consumer = EventConsumer(parts.database, SeenEvent, QUEUE, handler)
    while not stopping.is_set():
        try:
            with open_broker(parts.settings) as connection:
                _drain(consumer.attach, connection, stopping)
        except (*BROKER_ERRORS, SQLAlchemyError) as exc:
            log.warning("events_not_taken", reason=type(exc).__name__)
            stopping.wait(_PAUSE_S)


def _drain(
    attach: Callable[[Connection], object], connection: Connection, stopping: threading.Event
) -> None:
    attach(connection)
    while not stopping.is_set():
        try:
            connection.drain_events(timeout=_DRAIN_S)
        except TimeoutError:
            continue
