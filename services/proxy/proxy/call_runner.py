"""One attempt at an asynchronous call: connect, mark as sent, send, end."""

import time
from typing import Any

from common.clock import utc_now
from common.correlation import Trail, follow, leave
from common.database import Database
from common.errors import DomainError
from common.http import NotSent, OutcomeUnknown
from common.leases import held
from common.logs import get_logger
from common.upstream import Answer, BrokenOff, TimedOut, Unreachable, UpstreamError
from sqlalchemy import delete, update

from proxy.async_calls import (
    CHANNEL_GONE,
    Again,
    Claimed,
    GiveUp,
    Trouble,
    after_trouble,
    may_repeat,
)
from proxy.config import Settings
from proxy.gateway.bodies import stored_copy
from proxy.gateway.call import WHOLE_BYTES, Body, Call
from proxy.gateway.esb import EsbCall, EsbRelay, payload_text
from proxy.gateway.forwarding import Forwarder
from proxy.gateway.headers import recorded_headers
from proxy.gateway.recording import NOT_STORED, Row, Stopwatch, ended_row, ms_since, status_for
from proxy.gateway.routing_table import RoutedChannel, Routing
from proxy.models import AsyncCall, StoredRequest, Transaction, TransactionStatus
from proxy.sealing import Sealer
from proxy.stored_calls import rebuild

log = get_logger(__name__)


class CallRunner:
    """Makes claimed calls; every outcome is committed under the claim's token."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        routing: Routing,
        forwarder: Forwarder,
        relay: EsbRelay,
        sealer: Sealer,
    ) -> None:
        self._database = database
        self._settings = settings
        self._routing = routing
        self._forwarder = forwarder
        self._relay = relay
        self._sealer = sealer

    def run(self, claimed: Claimed) -> None:
        """Make one attempt, or end the call where an earlier one may have acted."""
        with self._database.reading() as session:
            transaction = session.get_one(Transaction, claimed.correlation_id)
            stored = session.get_one(StoredRequest, claimed.correlation_id)
        call, body = rebuild(transaction, self._sealer.open(stored))
        attempt = _Attempt(claimed, call, body, Stopwatch(call.started_ns))
        trail = follow(Trail(str(call.correlation_id)))
        try:
            if claimed.was_sent and not attempt.repeatable:
                self._decide(attempt, Trouble.MAY_HAVE_ARRIVED, "interrupted")
            elif claimed.esb is not None:
                self._relay_to_bus(attempt, claimed.esb)
            else:
                self._forward(attempt)
        finally:
            leave(trail)

    def _forward(self, attempt: "_Attempt") -> None:
        channel = self._routing.channel(attempt.claimed.channel_id)
        if channel is None:
            self._end(attempt, TransactionStatus.FAILED, error_message=CHANNEL_GONE)
            return
        try:
            connection = self._forwarder.connect(channel)
        except Unreachable:
            self._decide(attempt, Trouble.NOT_SENT, "Failed to reach mediator endpoint")
            return
        if not self._mark_sent(attempt):
            connection.close()
            return
        try:
            if channel.endpoint.scheme == "tcp":
                raw = self._forwarder.send_raw(connection, attempt.body, channel)
                self._answered(attempt, channel, 200, [], raw, len(raw))
                return
            answer = self._forwarder.send(
                connection, attempt.call, attempt.body, channel, is_async=True
            )
            head, total = _read(answer)
        except (BrokenOff, TimedOut, Unreachable) as exc:
            self._decide(attempt, Trouble.MAY_HAVE_ARRIVED, _words(exc, channel))
            return
        self._answered(attempt, channel, answer.status, answer.headers, head, total)

    def _relay_to_bus(self, attempt: "_Attempt", esb: dict[str, str]) -> None:
        payload = payload_text(attempt.body.read_whole())
        message = EsbCall(esb["organization"], esb["mode"], esb["code"], payload)
        if not self._mark_sent(attempt):
            return
        try:
            answer = self._relay.relay(message, str(attempt.call.correlation_id))
        except OutcomeUnknown as exc:
            self._decide(attempt, Trouble.MAY_HAVE_ARRIVED, str(exc))
        except (NotSent, DomainError) as exc:
            self._decide(attempt, Trouble.NOT_SENT, f"ESB relay: {exc}")
        else:
            if answer.was_not_sent:
                self._decide(attempt, Trouble.NOT_SENT, answer.error or "not sent")
                return
            self._end(
                attempt,
                TransactionStatus.FAILED if answer.error else TransactionStatus.SUCCESSFUL,
                response_status_code=answer.status,
                response_body=answer.body.decode("utf-8", "replace").replace("\x00", ""),
                error_message=answer.error,
                esb_exchange_id=answer.exchange_id,
            )

    def _mark_sent(self, attempt: "_Attempt") -> bool:
        """Commit that the request leaves now; False when the claim no longer stands."""
        claimed = attempt.claimed
        attempt.sent_ns = time.perf_counter_ns()
        with self._database.writing() as session:
            marked = session.execute(
                update(AsyncCall)
                .where(AsyncCall.correlation_id == claimed.correlation_id)
                .where(held(AsyncCall, claimed.token))
                .values(sent_at=utc_now())
            )
            session.execute(
                update(Transaction)
                .where(Transaction.correlation_id == claimed.correlation_id)
                .values(status=TransactionStatus.PROCESSING)
            )
            return bool(marked.rowcount)  # type: ignore[attr-defined]

    def _answered(
        self,
        attempt: "_Attempt",
        channel: RoutedChannel,
        status: int,
        pairs: list[tuple[str, str]],
        head: bytes,
        total: int,
    ) -> None:
        first = {name.lower(): value for name, value in reversed(pairs)}
        copy = stored_copy(
            head,
            total,
            first.get("content-type", ""),
            first.get("content-encoding", ""),
            self._settings.stored_body_max_chars,
        )
        self._end(
            attempt,
            status_for(status),
            response_status_code=status,
            response_headers=recorded_headers(pairs),
            response_body=copy if channel.store_response_body else NOT_STORED,
        )

    def _decide(self, attempt: "_Attempt", trouble: Trouble, reason: str) -> None:
        verdict = after_trouble(
            trouble,
            reason,
            attempts=attempt.claimed.attempts,
            max_attempts=self._settings.async_max_attempts,
            repeatable=attempt.repeatable,
            now=utc_now(),
        )
        if isinstance(verdict, GiveUp):
            self._end(attempt, TransactionStatus.FAILED, error_message=verdict.reason)
        else:
            self._again(attempt, verdict, trouble)

    def _again(self, attempt: "_Attempt", verdict: Again, trouble: Trouble) -> None:
        changes: dict[str, Any] = {
            "next_attempt_at": verdict.at,
            "lease_until": None,
            "lease_token": None,
        }
        if trouble is Trouble.NOT_SENT:
            changes["sent_at"] = None
        with self._database.writing() as session:
            session.execute(
                update(AsyncCall)
                .where(AsyncCall.correlation_id == attempt.call.correlation_id)
                .where(held(AsyncCall, attempt.claimed.token))
                .values(changes)
            )
            session.execute(
                update(Transaction)
                .where(Transaction.correlation_id == attempt.call.correlation_id)
                .values(status=TransactionStatus.PENDING)
            )
        log.info("call_put_off", until=verdict.at.isoformat(), attempts=attempt.claimed.attempts)

    def _end(self, attempt: "_Attempt", status: TransactionStatus, **known: Any) -> None:
        """Commit the end; where the claim no longer stands, another worker's end counts."""
        if attempt.sent_ns is not None:
            attempt.watch.upstream_ms = ms_since(attempt.sent_ns)
        row: Row = ended_row(attempt.call.correlation_id, status, attempt.watch, **known)
        correlation_id = row.pop("key_correlation_id")
        with self._database.writing() as session:
            finished = session.execute(
                delete(AsyncCall)
                .where(AsyncCall.correlation_id == correlation_id)
                .where(held(AsyncCall, attempt.claimed.token))
            )
            if finished.rowcount:  # type: ignore[attr-defined]
                session.execute(
                    update(Transaction)
                    .where(Transaction.correlation_id == correlation_id)
                    .values(row)
                )


class _Attempt:
    """A claimed call with its request rebuilt."""

    def __init__(self, claimed: Claimed, call: Call, body: Body, watch: Stopwatch) -> None:
        self.claimed = claimed
        self.call = call
        self.body = body
        self.watch = watch
        self.sent_ns: int | None = None

    @property
    def repeatable(self) -> bool:
        return may_repeat(
            self.call.method,
            self.claimed.has_idempotency_key,
            is_esb=self.claimed.esb is not None,
        )


def _read(answer: Answer) -> tuple[bytes, int]:
    """The answer's beginning and its whole length. Raises UpstreamError."""
    head, total = b"", 0
    for piece in answer.read_rest(WHOLE_BYTES):
        head = head or piece
        total += len(piece)
    answer.close()
    return head, total


def _words(error: UpstreamError, channel: RoutedChannel) -> str:
    if isinstance(error, TimedOut):
        return f"The mediator endpoint did not answer within {channel.timeout_s:g} s"
    return "The connection to the mediator endpoint broke off"
