"""Events between services: CloudEvents 1.0, JSON, structured mode, at least once.

A publisher writes the event into its outbox table in the transaction of the change; `relay_due`
publishes with confirms. A consumer handles each event in one transaction together with the
event's `id`, so that a repeated delivery changes nothing.
"""

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kombu.connection import Connection
from kombu.message import Message
from kombu.messaging import Consumer
from sqlalchemy import Integer, String, Text, delete, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from common import tracing
from common.clock import rfc3339, utc_now
from common.correlation import (
    RequestContext,
    acceptable_id,
    current_request_context,
    follow,
    known_traceparent,
    leave,
)
from common.db.database import Database
from common.errors import DomainError
from common.ids import new_id
from common.jobs.broker import BROKER_ERRORS, dead_letter_queue, durable_queue
from common.jobs.leases import Leased, claim_due, held, is_any_due
from common.logs import get_logger

log = get_logger(__name__)

CONTENT_TYPE = "application/cloudevents+json"
MAX_EVENT_ID_CHARS = 64
RELAY_BATCH = 100
RELAY_LEASE = timedelta(seconds=30)

#: The message's header that has the trace.
TRACE_KEY = "traceparent"
DRAIN_S = 1.0
_PAUSE_S = 2.0


class OutgoingEvent(Leased):
    """Columns of an outbox table: an event that waits to be published to `queue`."""

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String(MAX_EVENT_ID_CHARS), unique=True)
    queue: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(Text)


class ConsumedEvent:
    """Columns of an inbox table: the events a service has handled."""

    event_id: Mapped[str] = mapped_column(String(MAX_EVENT_ID_CHARS), primary_key=True)
    consumed_at: Mapped[datetime] = mapped_column(index=True)
    #: Of the request that the event came of, where its publisher said so.
    correlation_id: Mapped[str | None] = mapped_column(String(64), index=True)


@dataclass(frozen=True)
class CloudEvent:
    """An event as received."""

    id: str
    type: str
    source: str
    data: Any
    correlation_id: str | None = None
    #: Of CloudEvents' extension for distributed tracing.
    traceparent: str | None = None


def queue_event(
    session: Session,
    model: type[OutgoingEvent],
    *,
    queue: str,
    type_: str,
    source: str,
    data: Any = None,
    data_text: str | None = None,
) -> str:
    """Write an event into the outbox of the caller's transaction; returns its id.

    `data_text` is `data` as JSON text, where its numbers must keep their digits.
    """
    now = utc_now()
    event = {
        "specversion": "1.0",
        "id": str(new_id()),
        "type": type_,
        "source": source,
        "time": rfc3339(now),
        "datacontenttype": "application/json",
    }
    context = current_request_context()
    if context is not None:
        event["correlationid"] = context.correlation_id  # names of extensions have no underscores
    trace = tracing.traceparent()
    if trace is not None:
        event["traceparent"] = trace
    text = json.dumps(data) if data_text is None else data_text
    row = model()
    row.event_id, row.queue = event["id"], queue
    row.body = f'{json.dumps(event)[:-1]},"data":{text}}}'
    row.next_attempt_at, row.attempt_count = now, 0
    session.add(row)
    return row.event_id


def relay_due(database: Database, model: type[OutgoingEvent], connection: Connection) -> int:
    """Publish due events in order, each confirmed, then forget them; returns how many.

    What meets no broker is due again at once and stays before later events. Killed in between, it
    publishes again after the lease: consumers de-duplicate.
    """
    now = utc_now()
    if not is_any_due(database, model, now=now):
        return 0
    with database.writing() as session:
        rows = claim_due(
            session,
            model,
            order_by=[model.id],
            limit=RELAY_BATCH,
            now=now,
            lease=RELAY_LEASE,
        )
    if not rows:
        return 0
    published: list[int] = []
    try:
        with connection.Producer() as producer:
            for row in rows:
                with _publication(row) as span:
                    producer.publish(
                        row.body.encode(),
                        routing_key=row.queue,
                        content_type=CONTENT_TYPE,
                        content_encoding="utf-8",
                        delivery_mode=2,
                        headers={TRACE_KEY: span.traceparent} if span.traceparent else {},
                        declare=[dead_letter_queue(row.queue), durable_queue(row.queue)],
                    )
                published.append(row.id)
    finally:
        _settle(database, model, rows[0].lease_token, published)
    return len(rows)


def _publication(row: OutgoingEvent) -> tracing.Span:
    """The span of putting an event on its queue, in the trace that the event came of."""
    if not tracing.is_on():
        return tracing.NO_SPAN
    parent = parse_event(row.body).traceparent
    return tracing.message_span("send", tracing.Kind.PRODUCER, row.queue, parent)


def _settle(
    database: Database, model: type[OutgoingEvent], token: uuid.UUID | None, published: list[int]
) -> None:
    """Forget what was published, give the rest of the claim back."""
    assert token is not None
    with database.writing() as session:
        session.execute(delete(model).where(model.id.in_(published), held(model, token)))
        session.execute(
            update(model).where(held(model, token)).values(lease_until=None, lease_token=None)
        )


def parse_event(body: bytes | str) -> CloudEvent:
    """Read a structured-mode CloudEvent. Raises ValueError with the reason."""
    try:
        event = json.loads(body)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise ValueError("not a CloudEvent 1.0")
    for name in ("id", "type", "source"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise ValueError(f"the attribute {name} is missing")
    if len(event["id"]) > MAX_EVENT_ID_CHARS or "\x00" in event["id"]:
        raise ValueError("the attribute id cannot be remembered")
    named = event["id"], event["type"], event["source"]
    correlation_id = acceptable_id(event.get("correlationid"))
    trace = known_traceparent(str(event.get("traceparent")))
    return CloudEvent(*named, event.get("data"), correlation_id, trace)


class EventConsumer:
    """Takes events from a queue; each is handled once, in the transaction that remembers its id.

    `handle` gets the session and the event. A DomainError or a malformed event goes to the
    dead-letter queue, its reason is logged; after any other error the message is delivered again.
    """

    def __init__(
        self,
        database: Database,
        model: type[ConsumedEvent],
        queue: str,
        handle: Callable[[Session, CloudEvent], None],
    ) -> None:
        self._database = database
        self._model = model
        self._queue = queue
        self._handle = handle

    def attach(self, connection: Connection, *, prefetch: int = 20) -> Consumer:
        """A started Kombu consumer; drive it with `connection.drain_events`."""
        dead_letter_queue(self._queue)(connection.default_channel).declare()
        consumer: Consumer = connection.Consumer(
            durable_queue(self._queue),
            on_message=self.receive,
            accept=None,
            prefetch_count=prefetch,
        )
        consumer.consume()
        return consumer

    def run(self, connect: Callable[[], Connection], stopping: threading.Event) -> None:
        """Take events until `stopping`; a broker or database that is away is waited for."""
        while not stopping.is_set():
            try:
                with connect() as connection:
                    self.attach(connection)
                    self._drain(connection, stopping)
            except (*BROKER_ERRORS, SQLAlchemyError) as exc:
                log.warning("events_not_taken", queue=self._queue, reason=type(exc).__name__)
                stopping.wait(_PAUSE_S)

    @staticmethod
    def _drain(connection: Connection, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                connection.drain_events(timeout=DRAIN_S)
            except TimeoutError:
                continue

    def receive(self, message: Message) -> None:
        """Handle one delivery, then acknowledge it."""
        try:
            self._follow(parse_event(message.body), message.headers)
        except (DomainError, ValueError) as exc:
            log.error("event_refused", queue=self._queue, reason=str(exc))
            message.reject()
        else:
            message.ack()

    def _follow(self, event: CloudEvent, headers: Mapping[str, Any]) -> None:
        """Handle it under the correlation id, and within the trace, that it brings."""
        known = event.correlation_id
        parent = known_traceparent(str(headers.get(TRACE_KEY))) or event.traceparent
        token = follow(RequestContext(known, parent) if known else None)
        try:
            with tracing.message_span("process", tracing.Kind.CONSUMER, self._queue, parent):
                self._once(event)
        finally:
            leave(token)

    def _once(self, event: CloudEvent) -> None:
        try:
            with self._database.writing() as session:
                seen = self._model()
                seen.event_id, seen.consumed_at = event.id, utc_now()
                seen.correlation_id = event.correlation_id
                session.add(seen)
                session.flush()
                self._handle(session, event)
        except IntegrityError:
            with self._database.reading() as session:
                if session.get(self._model, event.id) is None:
                    raise
            log.info("event_repeated", queue=self._queue, event_id=event.id)
