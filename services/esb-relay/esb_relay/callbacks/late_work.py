"""Calls that were answered "accepted": a worker asks their targets, and queues the late answers.

A worker may stand still between any two lines, for longer than its lease. Its successor sees by
`sent_at` that the target may have been asked; whoever comes back late changes nothing.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common import tracing
from common.clock import utc_now
from common.correlation import RequestContext, follow, leave
from common.db.database import Database
from common.db.reader import Reader
from common.jobs.backoff import next_attempt
from common.jobs.leases import ClaimLost, held
from common.logs import get_logger
from sqlalchemy import Update, select, update

from esb_relay.callbacks.arriving import may_repeat
from esb_relay.callbacks.async_answers import LateAnswer, queue_late_answer
from esb_relay.callbacks.inbox import NEVER
from esb_relay.callbacks.results import INTERRUPTED, NotAsked, Result
from esb_relay.callbacks.targets import TargetCall, Targets
from esb_relay.models import CallbackRoute, InboundRequest, InboundStatus
from esb_relay.wire.terms import Format

log = get_logger(__name__)

SPAN = "esb-relay.accepted_calls"
FIRST_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
#: A target that was away this often (some two hours) is answered for.
MAX_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Accepted:
    """A claimed call. `was_sent`: a worker that is gone had begun to ask its target."""

    token: uuid.UUID
    call: TargetCall
    format: Format
    correlation_id: str
    traceparent: str | None
    attempts: int
    was_sent: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """What may be done until `until`, when another worker may take the call up."""

    route: CallbackRoute | None
    until: datetime


def claimed(row: InboundRequest, token: uuid.UUID) -> Accepted:
    """What the work needs of a claimed row."""
    return Accepted(
        token=token,
        call=TargetCall(row.route, row.request_id, row.api_code, row.body),
        format=row.format,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
        attempts=row.attempt_count,
        was_sent=row.sent_at is not None,
    )


class LateWork:
    """Asks the targets of accepted calls; `wake_up` tells the workers of a late answer."""

    def __init__(
        self,
        database: Database,
        targets: Targets,
        reader: Reader,
        wake_up: Callable[[], None],
        *,
        lease_s: float,
    ) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)
        self._reader = reader
        self._targets = targets
        self._wake_up = wake_up

    async def run(self, accepted: Accepted) -> None:
        """Ask once; then the late answer is queued, or the call put off."""
        context = RequestContext(accepted.correlation_id, accepted.traceparent)
        request_context = follow(context)
        try:
            with tracing.job_span(SPAN, accepted.traceparent):
                begun = await self._reader.run(lambda: self._begin(accepted))
                result = await self._ask(accepted, begun)
                await self._reader.run(lambda: self._end(accepted, result, begun.route))
            self._wake_up()
        except ClaimLost:
            log.warning("claim_lost", route=accepted.call.route)
        except NotAsked as exc:
            reason = str(exc)
            await self._reader.run(lambda: self._put_off(accepted, reason))
        finally:
            leave(request_context)

    def _begin(self, accepted: Accepted) -> Begun:
        """Start the lease anew; from now on the target may have acted. Raises ClaimLost."""
        now = utc_now()
        until = now + self._lease
        with self._database.writing() as session:
            begun = session.execute(self._row(accepted).values(sent_at=now, lease_until=until))
            if not begun.rowcount:  # type: ignore[attr-defined]
                raise ClaimLost
            route = session.scalar(
                select(CallbackRoute).where(CallbackRoute.name == accepted.call.route)
            )
            return Begun(route, until)

    async def _ask(self, accepted: Accepted, begun: Begun) -> Result:
        route = begun.route
        if accepted.was_sent and (route is None or not may_repeat(route)):
            return Result(False, INTERRUPTED)
        if route is None:
            return Result(False, "there is no such route any more")
        if utc_now() >= begun.until:
            raise NotAsked("this worker stood still; another one may have taken the call up")
        try:
            return await self._targets.ask(route, accepted.call)
        except NotAsked as exc:
            if accepted.attempts >= MAX_ATTEMPTS:
                return Result(False, f"{exc} (after {accepted.attempts} attempts)")
            raise

    def _end(self, accepted: Accepted, result: Result, route: CallbackRoute | None) -> None:
        late = LateAnswer(
            request_id=accepted.call.request_id,
            success=result.success,
            message=result.message,
            body=result.body,
            format=accepted.format,
            organization=route.organization if route is not None else None,
        )
        with self._database.writing() as session:
            finished = session.execute(
                self._row(accepted).values(
                    status=InboundStatus.DONE,
                    body=None,
                    lease_until=None,
                    lease_token=None,
                    next_attempt_at=NEVER,
                )
            )
            if finished.rowcount:  # type: ignore[attr-defined]
                queue_late_answer(
                    session, late, accepted.call.route, accepted.correlation_id, is_own=True
                )

    def _put_off(self, accepted: Accepted, reason: str) -> None:
        moment = next_attempt(accepted.attempts, utc_now(), first=FIRST_RETRY, cap=LONGEST_PAUSE)
        again = self._row(accepted).values(
            lease_until=None, lease_token=None, next_attempt_at=moment
        )
        if not accepted.was_sent:
            again = again.values(sent_at=None)
        with self._database.writing() as session:
            session.execute(again)
        log.info("callback_put_off", route=accepted.call.route, reason=reason)

    def _row(self, accepted: Accepted) -> Update:
        """The update of the row, while the claim stands."""
        return update(InboundRequest).where(
            InboundRequest.route == accepted.call.route,
            InboundRequest.request_id == accepted.call.request_id,
            held(InboundRequest, accepted.token),
        )
