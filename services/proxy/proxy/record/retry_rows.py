"""Failed calls that are to be made again by themselves, where their channel says so: only what was
surely not sent, or whose method is idempotent, so that nothing acts twice.

A call's end writes its row in the same transaction; `proxy.record.retries` makes what is due.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.clock import utc_now
from common.jobs.backoff import next_attempt
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from proxy.gateway.forward import IDEMPOTENT_METHODS
from proxy.gateway.routing_table import RetryRule
from proxy.models import Channel, Retry, Transaction
from proxy.record.rows import Row

#: A retry comes up to this part of its channel's period late: calls that failed together spread.
SPREAD = 0.25


@dataclass(frozen=True, slots=True)
class FailedCall:
    """How a call failed."""

    method: str
    #: What was answered, by the mediator or by us in its place; None: nothing.
    status_code: int | None
    is_surely_not_sent: bool = False
    #: It was answered, and the answer broke off.
    has_broken_off: bool = False
    #: Messages for the bus act, whatever their method.
    is_for_bus: bool = False


def may_retry(failure: FailedCall) -> bool:
    """Whether a failed call may be made again without acting twice, and that may help. Pure."""
    if failure.is_surely_not_sent:
        return True
    if failure.is_for_bus or failure.method not in IDEMPOTENT_METHODS:
        return False
    return failure.has_broken_off or failure.status_code is None or failure.status_code >= 500


def due_at(rule: RetryRule, now: datetime) -> datetime:
    """When a call that fails now is made again."""
    spread = timedelta(seconds=rule.period_s * SPREAD)
    return next_attempt(1, now + timedelta(seconds=rule.period_s), first=spread, cap=spread)


def first_retry(
    correlation_id: uuid.UUID, channel_id: uuid.UUID, rule: RetryRule, now: datetime
) -> Row:
    """The row of a call that has failed for the first time."""
    return {
        "correlation_id": correlation_id,
        "channel_id": channel_id,
        "made": 0,
        "repeat_id": None,
        "next_attempt_at": due_at(rule, now),
        "attempt_count": 0,
        "lease_until": None,
        "lease_token": None,
    }


def note_end(
    session: Session,
    call_id: uuid.UUID,
    parent_id: uuid.UUID | None,
    channel_id: uuid.UUID | None,
    rule: RetryRule | None,
    failure: FailedCall | None,
) -> None:
    """A worker's call has ended, without `failure` well: what that means for its retries.

    Reruns by an operator are not retried; the end of a retry ends its row, or lets it wait again.
    """
    may = failure is not None and rule is not None and may_retry(failure)
    if parent_id is None:
        if may and rule is not None and channel_id is not None:
            session.execute(insert(Retry), first_retry(call_id, channel_id, rule, utc_now()))
        return
    retry = session.get(Retry, parent_id, with_for_update=True)
    if retry is None or retry.repeat_id != call_id:
        return
    if may and rule is not None and retry.made < rule.max_attempts:
        retry.repeat_id, retry.next_attempt_at = None, due_at(rule, utc_now())
    else:
        session.delete(retry)


def note_interrupted(session: Session, ids: Iterable[uuid.UUID], now: datetime) -> None:
    """Calls were ended whose process died: their outcome is not known."""
    ended = list(ids)
    if not ended:
        return
    query = (
        select(
            Transaction.correlation_id,
            Transaction.request_method,
            Channel.id,
            Channel.retry_period_s,
            Channel.retry_max_attempts,
        )
        .join(Channel, Channel.name == Transaction.channel_name)
        .where(
            Transaction.correlation_id.in_(ended),
            Transaction.parent_id.is_(None),
            Channel.retry_period_s.is_not(None),
        )
    )
    rows = [
        first_retry(call_id, channel_id, RetryRule(period_s, most), now)
        for call_id, method, channel_id, period_s, most in session.execute(query)
        if period_s is not None and may_retry(FailedCall(method, None))
    ]
    if rows:
        session.execute(insert(Retry), rows)
