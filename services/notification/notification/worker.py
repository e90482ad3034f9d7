"""The worker process: one lane per channel, the queue of events, the sweeper, housekeeping."""

import threading
from datetime import timedelta

from common.broker import BROKER_ERRORS, open_broker
from common.doorbell import Listener
from common.events import relay_due
from common.logs import get_logger
from common.worker import POLL_S, every, stop_on_signals, work
from sqlalchemy.exc import SQLAlchemyError

from notification.event_intake import consume_events
from notification.models import ChannelCode, OutboxEvent
from notification.outbox.engine import BATCH, Outbox
from notification.outbox.reconciling import Reconciler
from notification.outbox.sweeper import settle_abandoned
from notification.parts import BELL, Parts
from notification.retention import keep_bounded
from notification.transports.build import build_transports

log = get_logger(__name__)

SWEEP_EVERY_S = 5.0
ASK_EVERY_S = 5.0
PURGE_EVERY_S = 3600.0


class Lane:
    """Sends one channel's messages in a thread of its own: a slow provider delays nobody else."""

    def __init__(self, outbox: Outbox, channel: ChannelCode, stopping: threading.Event) -> None:
        self._outbox = outbox
        self._channel = channel
        self._stopping = stopping
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane-{channel}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def join(self) -> None:
        """Wait for what is in hand."""
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        """A worker one of whose lanes broke must not look alive: it ends, and starts anew."""
        try:
            while not self._stopping.is_set():
                if not self._step():
                    self._woken.wait(POLL_S)
                    self._woken.clear()
        finally:
            self._stopping.set()

    def _step(self) -> int:
        try:
            return len(self._outbox.process([self._channel], BATCH, self._stopping.is_set))
        except SQLAlchemyError as exc:
            log.error("lane_waits", channel=self._channel, reason=type(exc).__name__)
            return 0


def run_worker(parts: Parts) -> None:
    """Work until SIGTERM; the slices in hand are finished, the rest of their batches given back."""
    stopping = stop_on_signals()
    events = threading.Thread(target=_take_events, args=(parts, stopping), name="events")
    events.start()
    every(SWEEP_EVERY_S, lambda: settle_abandoned(parts.database), stopping)
    every(PURGE_EVERY_S, lambda: keep_bounded(parts.database, parts.settings), stopping)
    _ask_about_doubts(parts, stopping)
    lanes = [Lane(parts.outbox, channel, stopping) for channel in parts.outbox.channels]
    log.info("worker_started", channels=parts.outbox.channels)

    def step() -> int:
        for lane in lanes:
            lane.wake()
        return _publish(parts)

    work(step, Listener(lambda: open_broker(parts.settings), BELL), stopping)
    for lane in lanes:
        lane.join()
    events.join()
    for way in parts.transports.values():
        way.close()


def _take_events(parts: Parts, stopping: threading.Event) -> None:
    """A worker that takes no events any more must not look alive: it ends, and starts anew."""
    try:
        consume_events(parts, stopping)
    finally:
        stopping.set()


def _ask_about_doubts(parts: Parts, stopping: threading.Event) -> None:
    """Providers are asked over ways of their own: the lanes' are in use."""
    settings = parts.settings
    reconciler = Reconciler(
        parts.database,
        lease=timedelta(seconds=settings.lease_s),
        wait=timedelta(seconds=settings.unknown_wait_s),
    )
    ways = build_transports(settings).values()

    def ask() -> None:
        for way in ways:
            while not stopping.is_set() and reconciler.step(way):
                pass

    every(ASK_EVERY_S, ask, stopping)


def _publish(parts: Parts) -> int:
    """Put due events on their queues; a broker that is away gets them later."""
    try:
        with open_broker(parts.settings) as connection:
            return relay_due(parts.database, OutboxEvent, connection)
    except BROKER_ERRORS as exc:
        log.warning("events_not_published", reason=type(exc).__name__)
        return 0
