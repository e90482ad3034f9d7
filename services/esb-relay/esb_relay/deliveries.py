"""Posting late answers to the engine: again and again, until it has taken or refused them."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.backoff import next_attempt
from common.clock import utc_now
from common.correlation import Trail, follow, leave
from common.database import Database
from common.leases import held
from common.logs import get_logger
from sqlalchemy import update

from esb_relay.async_answers import data_of
from esb_relay.callbacks.inbox import NEVER
from esb_relay.config import Settings
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.judging import judge_delivery
from esb_relay.engine.outcomes import Outcome
from esb_relay.errors import EsbRelayError
from esb_relay.exchange_log import Beginning
from esb_relay.keyring import Keyring
from esb_relay.models import (
    AsyncAnswer,
    DeliveryStatus,
    Direction,
    ExchangeMode,
    ExchangeStatus,
)
from esb_relay.relaying import sealed
from esb_relay.wire.terms import Root

log = get_logger(__name__)

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


def claimed(row: AsyncAnswer, token: uuid.UUID) -> Delivery:
    """What the work needs of a claimed row."""
    return Delivery(token, row.id, row.attempt_count)


class Deliverer:
    """Posts late answers; each attempt is an exchange of its own in the log."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, exchanger: Exchanger
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._exchanger = exchanger

    def run(self, delivery: Delivery) -> None:
        """Post once."""
        with self._database.reading() as session:
            row = session.get_one(AsyncAnswer, delivery.answer_id)
        trail = follow(Trail(row.correlation_id))
        try:
            outcome = self._post(row)
        except EsbRelayError as exc:
            self._put_off(delivery, str(exc))
        else:
            self._finish(delivery, outcome)
        finally:
            leave(trail)

    def _post(self, row: AsyncAnswer) -> Outcome:
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
        )
        return self._exchanger.exchange(beginning, self._settings.async_path, judge_delivery)

    def _finish(self, delivery: Delivery, outcome: Outcome) -> None:
        status = _FINAL.get(outcome.status)
        if status is None:
            self._put_off(delivery, outcome.reason or "not taken")
            return
        self._update(
            delivery,
            status=status,
            delivered_at=utc_now(),
            last_error=outcome.reason,
            next_attempt_at=NEVER,
        )
        log.info("late_answer_ended", id=str(delivery.answer_id), status=status)

    def _put_off(self, delivery: Delivery, reason: str) -> None:
        moment = next_attempt(delivery.attempts, utc_now(), first=FIRST_RETRY, cap=LONGEST_PAUSE)
        self._update(delivery, next_attempt_at=moment, last_error=reason)
        log.warning("late_answer_put_off", id=str(delivery.answer_id), reason=reason)

    def _update(self, delivery: Delivery, **values: Any) -> None:
        with self._database.writing() as session:
            session.execute(
                update(AsyncAnswer)
                .where(AsyncAnswer.id == delivery.answer_id, held(AsyncAnswer, delivery.token))
                .values(lease_until=None, lease_token=None, **values)
            )
