"""Calls of the bus on record, with the answer each was given.

A signed message acts once over all routes, and a route takes a `requestId` once.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from common import tracing
from common.clock import utc_now
from common.db.database import Database
from common.jobs.events import queue_event
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from esb_relay.callbacks.targets import TargetCall
from esb_relay.engine.exchange_log import Beginning, ended_row, started_row
from esb_relay.engine.outcomes import Outcome
from esb_relay.models import (
    Exchange,
    InboundEnvelope,
    InboundRequest,
    InboundStatus,
    OutboxEvent,
)
from esb_relay.models.sealed import EXCHANGE_TEXTS

#: Rows that no worker shall find are due then.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
EVENT_TYPE = "kiungo.esb.callback"


@dataclass(frozen=True, slots=True)
class Mine:
    """This delivery runs the target until `until`. `may_have_run`: an earlier one began to."""

    token: uuid.UUID
    exchange_id: uuid.UUID
    until: datetime
    may_have_run: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An earlier delivery got this answer."""

    answer: bytes = field(repr=False)


class Busy:
    """Another delivery is running the target."""


@dataclass(frozen=True, slots=True)
class ActedOn:
    """The message may not act here (again); `reason` is what the bus is answered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified call, as it is put on record."""

    call: TargetCall
    beginning: Beginning
    digest: bytes


class Inbox:
    """The rows of `inbound_requests`, each change in one transaction with its exchange."""

    def __init__(
        self, database: Database, lease_s: float, *, max_age_s: float, store_bodies: bool
    ) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)
        self._max_age = timedelta(seconds=max_age_s)
        self._store_bodies = store_bodies

    def take(self, arrival: Arrival) -> Mine | Answered | Busy | ActedOn:
        """Put a call on record for its target to be asked now, or find it there."""
        token, until = uuid.uuid4(), utc_now() + self._lease
        try:
            with self._database.writing() as session:
                rejected = self._claim(session, arrival)
                if rejected is not None:
                    return rejected
                found = self._find(session, arrival)
                if found is not None:
                    return self._again(session, found, token, until)
                row = self._record(session, arrival, InboundStatus.RUNNING)
                row.lease_token, row.lease_until = token, until
                row.sent_at = row.received_at
                session.flush()
        except IntegrityError:
            return self._overtaken(arrival)
        return Mine(token, arrival.beginning.id, until)

    def accept(
        self, arrival: Arrival, answer: bytes, outcome: Outcome, *, queue: str | None, data: str
    ) -> Answered | Busy | ActedOn:
        """Put a call on record with its answer: for a worker, or as an event on `queue`."""
        try:
            with self._database.writing() as session:
                rejected = self._claim(session, arrival)
                if rejected is not None:
                    return rejected
                found = self._find(session, arrival)
                if found is not None:
                    _count_delivery(session, found.exchange_id)
                    return Answered(found.answer) if found.answer is not None else Busy()
                status = InboundStatus.WAITING if queue is None else InboundStatus.DONE
                row = self._record(session, arrival, status)
                row.answer = answer
                if queue is None:
                    row.next_attempt_at = utc_now()
                else:
                    source = f"/api/esb/inbound/{arrival.call.route}"
                    queue_event(
                        session,
                        OutboxEvent,
                        queue=queue,
                        type_=EVENT_TYPE,
                        source=source,
                        data_text=data,
                    )
                session.flush()
                self._end(session, arrival.beginning, outcome)
        except IntegrityError:
            return self._overtaken(arrival)
        return Answered(answer)

    def finish(
        self, mine: Mine, arrival: Arrival, answer: bytes, outcome: Outcome
    ) -> Answered | Busy:
        """Keep the answer, unless the claim fell away: then another delivery's counts."""
        with self._database.writing() as session:
            row = self._find(session, arrival)
            if row is None or row.lease_token != mine.token:
                return Answered(row.answer) if row is not None and row.answer else Busy()
            row.status, row.answer, row.body = InboundStatus.DONE, answer, None
            row.lease_until = row.lease_token = None
            self._end(session, arrival.beginning, outcome, mine.exchange_id)
        return Answered(answer)

    def forget(self, mine: Mine, arrival: Arrival, outcome: Outcome) -> bool:
        """This delivery did not ask the target; the next one does, if none before this one did.

        False: the claim fell away, so that another delivery's answer counts.
        """
        with self._database.writing() as session:
            row = self._find(session, arrival)
            if row is None or row.lease_token != mine.token:
                return False
            if mine.may_have_run:
                row.lease_until = row.lease_token = None
            else:
                session.delete(row)
                session.execute(
                    delete(InboundEnvelope).where(
                        InboundEnvelope.route == row.route,
                        InboundEnvelope.request_id == row.request_id,
                    )
                )
            self._end(session, arrival.beginning, outcome, mine.exchange_id)
        return True

    def refuse(self, beginning: Beginning, outcome: Outcome) -> None:
        """Put on record that a verified call was refused."""
        with self._database.writing() as session:
            row = started_row(beginning, store_bodies=self._store_bodies)
            EXCHANGE_TEXTS.seal_for(session, row)
            session.execute(insert(Exchange).values(row))
            self._end(session, beginning, outcome)

    def answer_to(self, call: TargetCall) -> bytes | None:
        """The answer that is kept by now."""
        with self._database.reading() as session:
            found = session.scalar(select(InboundRequest).where(*_is(call)))
            return found.answer if found is not None else None

    def _claim(self, session: Session, arrival: Arrival) -> ActedOn | None:
        """Note that this message acts at this route, or say why it may not."""
        seen = session.get(InboundEnvelope, arrival.digest)
        if seen is not None:
            return self._seen_before(session, seen, arrival)
        call = arrival.call
        session.add(
            InboundEnvelope(
                digest=arrival.digest,
                route=call.route,
                request_id=call.request_id,
                received_at=arrival.beginning.started_at,
            )
        )
        session.flush()
        return None

    def _seen_before(
        self, session: Session, seen: InboundEnvelope, arrival: Arrival
    ) -> ActedOn | None:
        """None: it came to this route, not long ago, so that it gets the answer it got."""
        if seen.route != arrival.call.route:
            return ActedOn("this message was acted on already, at another route")
        is_old = arrival.beginning.started_at - seen.received_at > self._max_age
        if is_old or self._find(session, arrival) is None:
            return ActedOn("this message was acted on already, too long ago to be answered again")
        return None

    def _overtaken(self, arrival: Arrival) -> Busy | ActedOn:
        """Another delivery came first by a moment: here, or at another route."""
        with self._database.reading() as session:
            seen = session.get(InboundEnvelope, arrival.digest)
            if seen is not None and seen.route != arrival.call.route:
                return ActedOn("this message was acted on already, at another route")
        return Busy()

    def _find(self, session: Session, arrival: Arrival) -> InboundRequest | None:
        key = (arrival.call.route, arrival.call.request_id)
        return session.get(InboundRequest, key, with_for_update=True)

    def _again(
        self, session: Session, row: InboundRequest, token: uuid.UUID, until: datetime
    ) -> Mine | Answered | Busy:
        _count_delivery(session, row.exchange_id)
        if row.answer is not None:
            return Answered(row.answer)
        if row.lease_until is not None and row.lease_until > utc_now():
            return Busy()
        row.lease_token, row.lease_until = token, until
        return Mine(token, row.exchange_id, until, may_have_run=True)

    def _record(self, session: Session, arrival: Arrival, status: InboundStatus) -> InboundRequest:
        call, beginning = arrival.call, arrival.beginning
        row = InboundRequest(
            route=call.route,
            request_id=call.request_id,
            exchange_id=beginning.id,
            correlation_id=beginning.correlation_id,
            traceparent=tracing.traceparent(),
            received_at=beginning.started_at,
            status=status,
            format=beginning.format,
            api_code=call.api_code,
            body=call.body if status is InboundStatus.WAITING else None,
            attempt_count=0,
            next_attempt_at=NEVER,
        )
        session.add(row)
        started = started_row(beginning, store_bodies=self._store_bodies)
        EXCHANGE_TEXTS.seal_for(session, started)
        session.execute(insert(Exchange).values({**started, "attempts": 1}))
        return row

    def _end(
        self,
        session: Session,
        beginning: Beginning,
        outcome: Outcome,
        exchange_id: uuid.UUID | None = None,
    ) -> None:
        row = ended_row(
            beginning, outcome, attempts=1, engine_ms=None, store_bodies=self._store_bodies
        )
        # `attempts` counts deliveries here; others may have come meanwhile.
        known = {name: value for name, value in row.items() if name not in {"key_id", "attempts"}}
        key = exchange_id or beginning.id
        EXCHANGE_TEXTS.seal_for(session, known, key)
        session.execute(update(Exchange).where(Exchange.id == key).values(known))


def _is(call: TargetCall) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return InboundRequest.route == call.route, InboundRequest.request_id == call.request_id


def _count_delivery(session: Session, exchange_id: uuid.UUID) -> None:
    """The exchange of a call that comes again counts its deliveries."""
    session.execute(
        update(Exchange).where(Exchange.id == exchange_id).values(attempts=Exchange.attempts + 1)
    )
