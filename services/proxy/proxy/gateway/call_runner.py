"""One attempt at an asynchronous call: connect, mark as sent, send and read, end.

Everything is committed under the claim: where it no longer stands, another worker's word counts.
"""

import time
from datetime import timedelta
from typing import Any

from common import tracing
from common.clock import utc_now
from common.correlation import TRACE_HEADER, RequestContext, follow, known_traceparent, leave
from common.db.database import Database
from common.db.reader import Reader
from common.http.outcomes import NotSent, OutboundError
from common.jobs.leases import ClaimLost, held
from common.logs import get_logger
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from proxy.config import Settings
from proxy.gateway.admitted import storing_for
from proxy.gateway.answered import Answered, Whole, read_on
from proxy.gateway.async_calls import (
    CHANNEL_GONE,
    WAKE_UP_QUEUE,
    Again,
    Claimed,
    GiveUp,
    Trouble,
    after_trouble,
)
from proxy.gateway.attempt import Attempt
from proxy.gateway.esb import EsbCall, payload_text
from proxy.gateway.forward import Forwarder, explain_failure
from proxy.gateway.headers import answered_headers
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import RoutedChannel
from proxy.gateway.secondary_routes import start_routes
from proxy.models import (
    USUAL_RESPONSE_RETENTION_DAYS,
    AsyncCall,
    StoredRequest,
    StoredResponse,
    Transaction,
    TransactionField,
    TransactionProperty,
    TransactionReport,
    TransactionStatus,
)
from proxy.record.final_status import judged_status
from proxy.record.headers import recorded_headers
from proxy.record.indexed_fields import SentBody, field_rows
from proxy.record.reports import recorded_elsewhere, report_rows
from proxy.record.retry_rows import FailedCall, note_end
from proxy.record.rows import Row, Stopwatch, Storing, ended_row, ms_since
from proxy.record.sealing import ResponseCopy, Sealer
from proxy.record.stored_calls import rebuild

log = get_logger(__name__)

INTERRUPTED = "interrupted"
_REPORTED = (TransactionReport, TransactionProperty)


class CallRunner:
    """Makes claimed calls; `threads` are where it speaks to the database."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        routing: Routing,
        forwarder: Forwarder,
        sealer: Sealer,
        threads: Reader,
    ) -> None:
        self._database = database
        self._settings = settings
        self._routing = routing
        self._forwarder = forwarder
        self._sealer = sealer
        self._threads = threads

    async def run(self, claimed: Claimed) -> None:
        """Make one attempt, or end the call where an earlier one may have acted."""
        attempt = await self._threads.run(lambda: self._rebuilt(claimed))
        trace = known_traceparent(attempt.call.headers.get(TRACE_HEADER, ""))
        request_context = follow(RequestContext(str(claimed.correlation_id), trace))
        try:
            with tracing.message_span("process", tracing.Kind.CONSUMER, WAKE_UP_QUEUE, trace):
                await self._attempt(attempt)
        except ClaimLost:
            log.warning("claim_lost")
        finally:
            leave(request_context)

    async def _attempt(self, attempt: Attempt) -> None:
        attempt.channel = await self._routing.channel(attempt.claimed.channel_id, self._threads)
        if attempt.claimed.was_sent and not attempt.repeatable:
            await self._decide(attempt, Trouble.MAY_HAVE_ARRIVED, INTERRUPTED)
        else:
            await self._make(attempt)

    def _rebuilt(self, claimed: Claimed) -> Attempt:
        with self._database.reading() as session:
            transaction = session.get_one(Transaction, claimed.correlation_id)
            stored = session.get_one(StoredRequest, claimed.correlation_id)
        call, body = rebuild(transaction, self._sealer.open(stored))
        return Attempt(claimed, call, body, Stopwatch(call.started_ns), transaction.client_name)

    def _client_fields(self, client_name: str) -> tuple[tuple[str, str], ...]:
        client = self._routing.table().clients.get(client_name)
        return () if client is None else client.fields

    async def _make(self, attempt: Attempt) -> None:
        esb = _message(attempt)
        channel = attempt.channel if esb is None else None
        if esb is None:
            if channel is None:
                await self._end(attempt, TransactionStatus.FAILED, error_message=CHANNEL_GONE)
                return
            if channel.tell_client:
                attempt.call.client_fields = self._client_fields(attempt.client_name)
        try:
            answered = await self._forwarder.forward(
                attempt.call,
                attempt.body,
                channel,
                esb,
                lambda: self._threads.run(lambda: self._mark_sent(attempt, channel)),
                is_async=True,
            )
            whole = await read_on(answered)
        except OutboundError as exc:
            trouble = Trouble.NOT_SENT if isinstance(exc, NotSent) else Trouble.MAY_HAVE_ARRIVED
            await self._decide(attempt, trouble, explain_failure(exc, is_bus=esb is not None)[1])
            return
        except RejectedCall as rejected:  # it cannot be sent as its channel is now
            await self._end(attempt, TransactionStatus.FAILED, error_message=rejected.reason)
            return
        if answered.was_not_sent:
            await self._decide(attempt, Trouble.NOT_SENT, answered.error or "not sent")
            return
        await self._answered(attempt, answered, whole)

    def _mark_sent(self, attempt: Attempt, channel: RoutedChannel | None) -> None:
        """Commit that the request leaves now, and where to. Raises ClaimLost."""
        claimed = attempt.claimed
        attempt.sent_ns = time.perf_counter_ns()
        with self._database.writing() as session:
            marked = session.execute(
                update(AsyncCall)
                .where(AsyncCall.correlation_id == claimed.correlation_id)
                .where(held(AsyncCall, claimed.token))
                .values(sent_at=utc_now())
            )
            if not marked.rowcount:  # type: ignore[attr-defined]
                raise ClaimLost
            mediator_url = channel.endpoint_url if channel else None
            _set(session, claimed, status=TransactionStatus.PROCESSING, mediator_url=mediator_url)

    async def _answered(self, attempt: Attempt, answered: Answered, whole: Whole) -> None:
        channel = attempt.channel
        attempt.response = self._response_row(attempt, channel, answered, whole)
        if whole.body is not None:
            attempt.answers = [SentBody.of(answered.headers, whole.body)]
        storing = self._storing(attempt)
        if answered.report is not None:
            recorded = await recorded_elsewhere(answered.report, storing)
            call_id = attempt.call.correlation_id
            attempt.report = report_rows(self._sealer, call_id, recorded)
        status = TransactionStatus.FAILED if answered.error else answered.final_status
        if channel is not None and channel.routes and attempt.claimed.esb is None:
            status = await self._sent_on(attempt, channel, answered, storing)
        await self._end(
            attempt,
            status,
            response_status_code=answered.status,
            response_headers=recorded_headers(answered.headers),
            response_body=await storing.response_copy(
                answered.headers, answered.body, whole.length
            ),
            response_body_length=whole.length,
            error_message=answered.error or answered.note,
            esb_exchange_id=answered.exchange_id,
        )

    def _storing(self, attempt: Attempt) -> Storing:
        """How much of the answer is kept; none where the channel that would say so is gone."""
        if attempt.channel is None and attempt.claimed.channel_id is not None:
            return Storing(0, request_body=False, response_body=False)
        return storing_for(self._settings, attempt.channel)

    async def _sent_on(
        self, attempt: Attempt, channel: RoutedChannel, answered: Answered, storing: Storing
    ) -> TransactionStatus:
        """Send the call on its secondary routes; how it has ended by all answers."""
        sent = start_routes(self._forwarder, attempt.call, attempt.body, channel.routes, storing)
        await sent.wait_for_all()
        attempt.steps = [
            self._sealer.report_row(
                attempt.call.correlation_id, one.part, {"orchestrations": [one.step]}
            )
            for one in sent.take()
        ]
        own = answered.report.status if answered.report else None
        return judged_status(answered.status, sent.statuses, own)

    def _response_row(
        self, attempt: Attempt, channel: RoutedChannel | None, answered: Answered, whole: Whole
    ) -> Row | None:
        """The whole answer, sealed, where the channel keeps it and it is not too large."""
        days = USUAL_RESPONSE_RETENTION_DAYS if channel is None else channel.response_retention_days
        if not days or whole.body is None:
            return None
        copy = ResponseCopy(answered.status, answered_headers(answered.headers), whole.body)
        expires_at = utc_now() + timedelta(days=days)
        return self._sealer.response_row(attempt.call.correlation_id, copy, expires_at)

    async def _decide(self, attempt: Attempt, trouble: Trouble, reason: str) -> None:
        verdict = after_trouble(
            trouble,
            reason,
            attempts=attempt.claimed.attempts,
            max_attempts=self._settings.async_max_attempts,
            repeatable=attempt.repeatable,
            now=utc_now(),
        )
        if isinstance(verdict, GiveUp):
            attempt.is_surely_not_sent = (
                trouble is Trouble.NOT_SENT and not attempt.may_have_arrived
            )
            await self._end(attempt, TransactionStatus.FAILED, error_message=verdict.reason)
        else:
            await self._threads.run(lambda: self._again(attempt, verdict, trouble))

    def _again(self, attempt: Attempt, verdict: Again, trouble: Trouble) -> None:
        changes: dict[str, Any] = {
            "next_attempt_at": verdict.at,
            "lease_until": None,
            "lease_token": None,
        }
        if trouble is Trouble.NOT_SENT:
            changes["sent_at"] = None
        with self._database.writing() as session:
            put_off = session.execute(
                update(AsyncCall)
                .where(AsyncCall.correlation_id == attempt.call.correlation_id)
                .where(held(AsyncCall, attempt.claimed.token))
                .values(changes)
            )
            if not put_off.rowcount:  # type: ignore[attr-defined]
                raise ClaimLost
            _set(session, attempt.claimed, status=TransactionStatus.PENDING)
        log.info("call_put_off", until=verdict.at.isoformat(), attempts=attempt.claimed.attempts)

    async def _end(self, attempt: Attempt, status: TransactionStatus, **known: Any) -> None:
        """Commit the end. Raises ClaimLost."""
        if attempt.sent_ns is not None:
            attempt.watch.upstream_ms = ms_since(attempt.sent_ns)
        row: Row = ended_row(attempt.call.correlation_id, status, attempt.watch, **known)
        self._sealer.seal_bodies(row)
        del row["key_correlation_id"]
        await self._threads.run(lambda: self._commit_end(attempt, row, self._fields(attempt)))

    def _fields(self, attempt: Attempt) -> list[Row]:
        """What the call is found by in its bodies."""
        if attempt.channel is None or not attempt.channel.indexed_fields:
            return []
        call = attempt.call
        bodies = [SentBody.of(call.headers.items(), attempt.body.head), *attempt.answers]
        return field_rows(self._sealer, call.correlation_id, attempt.channel.indexed_fields, bodies)

    def _commit_end(self, attempt: Attempt, row: Row, fields: list[Row]) -> None:
        claimed = attempt.claimed
        with self._database.writing() as session:
            finished = session.execute(
                delete(AsyncCall)
                .where(AsyncCall.correlation_id == claimed.correlation_id)
                .where(held(AsyncCall, claimed.token))
            )
            if not finished.rowcount:  # type: ignore[attr-defined]
                raise ClaimLost
            _set(session, claimed, **row)
            self._note_end(session, attempt, row)
            if attempt.response is not None:
                session.add(StoredResponse(**attempt.response))
            for model, found in zip(_REPORTED, attempt.report, strict=False):
                if found is not None:
                    session.execute(insert(model), found["rows"])
            if fields:
                session.execute(insert(TransactionField), fields)
            if attempt.steps:
                session.execute(insert(TransactionReport), attempt.steps)

    @staticmethod
    def _note_end(session: Session, attempt: Attempt, row: Row) -> None:
        """Failed calls, and those that repeat one, may be made again by themselves."""
        call, failure = attempt.call, None
        if row["status"] is TransactionStatus.FAILED:
            failure = FailedCall(
                call.method,
                row["response_status_code"],
                is_surely_not_sent=attempt.is_surely_not_sent,
                is_for_bus=attempt.claimed.esb is not None,
            )
        elif call.parent_id is None:
            return
        rule = attempt.channel.retry if attempt.channel else None
        channel_id = attempt.claimed.channel_id
        note_end(session, call.correlation_id, call.parent_id, channel_id, rule, failure)


def _message(attempt: Attempt) -> EsbCall | None:
    esb = attempt.claimed.esb
    return None if esb is None else EsbCall(**esb, payload=payload_text(attempt.body.head))


def _set(session: Any, claimed: Claimed, **values: Any) -> None:
    """Change the call's row; whoever does so holds its claim in the same transaction."""
    session.execute(
        update(Transaction)
        .where(Transaction.correlation_id == claimed.correlation_id)
        .values(values)
    )
