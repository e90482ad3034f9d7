"""The relay's worker process: late answers, accepted calls, events, the sweeper, retention."""

import threading

from common.broker import BROKER_ERRORS, open_broker
from common.doorbell import Listener
from common.events import relay_due
from common.leased_work import LeasedWork
from common.logs import get_logger
from common.worker import every, stop_on_signals, work

from esb_relay import deliveries
from esb_relay.callbacks import late_work
from esb_relay.models import (
    AsyncAnswer,
    DeliveryStatus,
    InboundRequest,
    InboundStatus,
    OutboxEvent,
)
from esb_relay.parts import BELL, Parts
from esb_relay.retention import keep_bounded
from esb_relay.sweeper import end_interrupted

log = get_logger(__name__)

SLOTS = 8
LEASE_S = 30.0
SWEEP_EVERY_S = 5.0
PURGE_EVERY_S = 3600.0


class RelayWork:
    """All that is due, step by step."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        database = parts.database
        deliverer = deliveries.Deliverer(parts.settings, database, parts.keyring, parts.exchanger)
        self._answers = LeasedWork(
            database,
            AsyncAnswer,
            deliveries.claimed,
            deliverer.run,
            AsyncAnswer.status == DeliveryStatus.PENDING,
            slots=SLOTS,
            lease_s=LEASE_S,
            log_id=lambda delivery: str(delivery.answer_id),
        )
        self._calls = LeasedWork(
            database,
            InboundRequest,
            late_work.claimed,
            late_work.LateWork(database, parts.targets, parts.bell.ring).run,
            InboundRequest.status == InboundStatus.WAITING,
            slots=SLOTS,
            lease_s=LEASE_S,
            log_id=lambda accepted: f"{accepted.call.route} {accepted.call.request_id}",
        )

    def step(self) -> int:
        """Start what is due; returns how much that was."""
        return self._calls.step() + self._answers.step() + self._publish()

    def renew_leases(self) -> None:
        """Keep what runs in this process."""
        self._calls.renew_leases()
        self._answers.renew_leases()

    def drain(self) -> None:
        """Finish what is in hand."""
        self._calls.drain()
        self._answers.drain()

    def _publish(self) -> int:
        """Put due events on their queues; a broker that is away gets them later."""
        try:
            with open_broker(self._parts.settings) as connection:
                return relay_due(self._parts.database, OutboxEvent, connection)
        except BROKER_ERRORS as exc:
            log.warning("events_not_published", reason=type(exc).__name__)
            return 0


def run_worker(parts: Parts) -> None:
    """Work until SIGTERM; what is in hand is finished."""
    stopping, drained = stop_on_signals(), threading.Event()
    relay_work = RelayWork(parts)
    every(LEASE_S / 3, relay_work.renew_leases, drained)
    every(SWEEP_EVERY_S, lambda: end_interrupted(parts.database, parts.settings), stopping)
    every(PURGE_EVERY_S, lambda: keep_bounded(parts.database, parts.settings), stopping)
    listener = Listener(lambda: open_broker(parts.settings), BELL)
    log.info("worker_started", slots=SLOTS)
    work(relay_work.step, listener, stopping)
    relay_work.drain()
    drained.set()
