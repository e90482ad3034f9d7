"""Posting late answers to the engine: again and again, until it has taken or refused them.

The bus may get one twice: where it took it but its word for that was lost, or where a worker stood
still after posting. It tells them by their `requestId`; `data` is the same to the byte.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common import tracing
from common.clock import utc_now
from common.correlation import RequestContext, follow, leave
from common.db.database import Database
from common.db.reader import Reader
from common.jobs.backoff import next_attempt
from common.jobs.leases import held
from common.logs import get_logger
from sqlalchemy import update

from esb_relay.callbacks.async_answers import data_of
from esb_relay.callbacks.inbox import NEVER
from esb_relay.config import Settings
from esb_relay.engine.exchange_log import Beginning
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.judging import judge_delivery
from esb_relay.engine.outcomes import Outcome
from esb_relay.engine.relaying import sealed
from esb_relay.errors import EsbRelayError
from esb_relay.keys.keyring import Keyring
from esb_relay.models import (
    AsyncAnswer,
    DeliveryStatus,
    Direction,
    ExchangeMode,
    ExchangeStatus,
)
from esb_relay.models.sealed import ANSWER_TEXTS
from esb_relay.wire.terms import Root

log = get_logger(__name__)

SPAN = "esb-relay.late_answers"
FIRST_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=15)

#: A signed answer of the engine is its last word; everything else is tried again.
_FINAL = {
    ExchangeStatus.SUCCEEDED: DeliveryStatus.DELIVERED,
    ExchangeStatus.FAILED: DeliveryStatus.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed late answer."""

    token: uuid.UUID
    answer_id: uuid.UUID
    attempts: int
    request_id: str


def claimed(row: AsyncAnswer, token: uuid.UUID) -> Delivery:
    """What the work needs of a claimed row."""
    return Delivery(token, row.id, row.attempt_count, row.request_id)


class Deliverer:
    """Posts late answers; each attempt is an exchange of its own in the log."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        exchanger: Exchanger,
        reader: Reader,
        *,
        lease_s: float,
    ) -> None:
        self._reader = reader
        self._lease = timedelta(seconds=lease_s)
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._exchanger = exchanger

    async def run(self, delivery: Delivery) -> None:
        """Post once."""
        until = utc_now() + self._lease
        row = await self._reader.run(lambda: self._begun(delivery, until))
        if row is None:
            log.warning("claim_lost", id=str(delivery.answer_id))
            return
        request_context = follow(RequestContext(row.correlation_id, row.traceparent))
        try:
            with tracing.job_span(SPAN, row.traceparent):
                outcome = await self._post(row, until)
        except EsbRelayError as exc:
            reason = str(exc)
            await self._reader.run(lambda: self._put_off(delivery, reason))
        else:
            await self._reader.run(lambda: self._finish(delivery, outcome))
        finally:
            leave(request_context)

    def _begun(self, delivery: Delivery, until: datetime) -> AsyncAnswer | None:
        """The row while the claim stands, which starts anew; it is posted by `until` or not now."""
        with self._database.writing() as session:
            row = session.get(AsyncAnswer, delivery.answer_id, with_for_update=True)
            if row is None or row.lease_token != delivery.token:
                return None
            row.lease_until = until
            return row

    async def _post(self, row: AsyncAnswer, until: datetime) -> Outcome:
        beginning = Beginning(
            direction=Direction.OUTGOING,
            mode=ExchangeMode.ASYNC,
            code=row.request_id,
            organization=row.organization,
            caller=row.caller,
            correlation_id=row.correlation_id,
            format=row.format,
            envelope=sealed(data_of(row), self._keyring, row.format, Root.RESPONSE),
            request_id=row.request_id,
            send_before=until,
        )
        return await self._exchanger.exchange(beginning, self._settings.async_path, judge_delivery)

    def _finish(self, delivery: Delivery, outcome: Outcome) -> None:
        status = _FINAL.get(outcome.status)
        if status is None:
            self._put_off(delivery, outcome.reason or "not taken")
            return
        ended = self._update(
            delivery,
            status=status,
            delivered_at=utc_now(),
            last_error=outcome.reason,
            next_attempt_at=NEVER,
        )
        if not ended:
            log.warning("claim_lost", id=str(delivery.answer_id))
            return
        log.info("late_answer_ended", id=str(delivery.answer_id), status=status)

    def _put_off(self, delivery: Delivery, reason: str) -> None:
        moment = next_attempt(delivery.attempts, utc_now(), first=FIRST_RETRY, cap=LONGEST_PAUSE)
        self._update(delivery, next_attempt_at=moment, last_error=reason)
        log.warning("late_answer_put_off", id=str(delivery.answer_id), reason=reason)

    def _update(self, delivery: Delivery, **values: Any) -> bool:
        """Whether the claim still stood; else nothing is changed."""
        with self._database.writing() as session:
            ANSWER_TEXTS.seal_for(session, values, delivery.request_id)
            updated = session.execute(
                update(AsyncAnswer)
                .where(AsyncAnswer.id == delivery.answer_id, held(AsyncAnswer, delivery.token))
                .values(lease_until=None, lease_token=None, **values)
            )
            return bool(updated.rowcount)  # type: ignore[attr-defined]
