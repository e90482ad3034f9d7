"""Calls that were answered "accepted": a worker asks their targets, and queues the late answers."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from common.backoff import next_attempt
from common.clock import utc_now
from common.correlation import Trail, follow, leave
from common.database import Database
from common.leases import held
from common.logs import get_logger
from sqlalchemy import Update, select, update

from esb_relay.async_answers import LateAnswer, queue_late_answer
from esb_relay.callbacks.arriving import may_repeat
from esb_relay.callbacks.inbox import NEVER
from esb_relay.callbacks.results import INTERRUPTED, NotAsked, Result
from esb_relay.callbacks.targets import TargetCall, Targets
from esb_relay.models import CallbackRoute, InboundRequest, InboundStatus
from esb_relay.wire.terms import Format

log = get_logger(__name__)

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
    attempts: int
    was_sent: bool


def claimed(row: InboundRequest, token: uuid.UUID) -> Accepted:
    """What the work needs of a claimed row."""
    return Accepted(
        token=token,
        call=TargetCall(row.route, row.request_id, row.api_code, row.body),
        format=row.format,
        correlation_id=row.correlation_id,
        attempts=row.attempt_count,
        was_sent=row.sent_at is not None,
    )


class LateWork:
    """Asks the targets of accepted calls; `ring` tells the workers of a late answer."""

    def __init__(self, database: Database, targets: Targets, ring: Callable[[], None]) -> None:
        self._database = database
        self._targets = targets
        self._ring = ring

    def run(self, accepted: Accepted) -> None:
        """Ask once; then the late answer is queued, or the call put off."""
        trail = follow(Trail(accepted.correlation_id))
        try:
            route = self._begin(accepted)
            self._end(accepted, self._ask(accepted, route), route)
            self._ring()
        except NotAsked as exc:
            self._put_off(accepted, str(exc))
        finally:
            leave(trail)

    def _begin(self, accepted: Accepted) -> CallbackRoute | None:
        """The route; from now on its target may have acted."""
        with self._database.writing() as session:
            session.execute(self._row(accepted).values(sent_at=utc_now()))
            return session.scalar(
                select(CallbackRoute).where(CallbackRoute.name == accepted.call.route)
            )

    def _ask(self, accepted: Accepted, route: CallbackRoute | None) -> Result:
        if route is None:
            return Result(False, "there is no such route any more")
        if accepted.was_sent and not may_repeat(route):
            return Result(False, INTERRUPTED)
        try:
            return self._targets.ask(route, accepted.call)
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
        with self._database.writing() as session:
            session.execute(
                self._row(accepted).values(
                    sent_at=None, lease_until=None, lease_token=None, next_attempt_at=moment
                )
            )
        log.info("callback_put_off", route=accepted.call.route, reason=reason)

    def _row(self, accepted: Accepted) -> Update:
        """The update of the row, while the claim stands."""
        return update(InboundRequest).where(
            InboundRequest.route == accepted.call.route,
            InboundRequest.request_id == accepted.call.request_id,
            held(InboundRequest, accepted.token),
        )
