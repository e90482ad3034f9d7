"""The worker process: a thread per channel, the events, campaigns, sweeper, housekeeping."""

import gc
import threading
from datetime import timedelta

import click
from common.jobs import heartbeat
from common.jobs.backlog import Queue
from common.jobs.broker import BROKER_ERRORS, open_broker
from common.jobs.events import relay_due
from common.jobs.heartbeat import Heartbeat
from common.jobs.wake_up import Listener
from common.jobs.worker import POLL_S, every, observed, stop_on_signals, work
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

from notification.campaigns.running import run_due
from notification.container import WAKE_UP_QUEUE, Container, container
from notification.emit.digesting import make_digests
from notification.emit.intake import consume_events
from notification.models import ChannelCode, OutboxEvent, OutboxMessage
from notification.models.outbox import IS_WAITING
from notification.outbox.cascades import advance
from notification.outbox.engine import BATCH, Outbox
from notification.outbox.reconciling import Reconciler
from notification.retention import keep_bounded
from notification.sweeper import settle_abandoned
from notification.transports.build import build_transports
from notification.transports.sms.transport import SmsTransport

log = get_logger(__name__)

SWEEP_EVERY_S = 5.0
ADVANCE_EVERY_S = 1.0
ASK_EVERY_S = 5.0
CAMPAIGNS_EVERY_S = 1.0
PURGE_EVERY_S = 3600.0

QUEUES = {"outbox": Queue(OutboxMessage, (IS_WAITING,)), "events": Queue(OutboxEvent)}


class ChannelWorker:
    """Sends one channel's messages in a thread of its own: a slow provider delays nobody else."""

    def __init__(self, outbox: Outbox, channel: ChannelCode, stopping: threading.Event) -> None:
        self._outbox = outbox
        self._channel = channel
        self._stopping = stopping
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"channel-{channel}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def join(self) -> None:
        """Wait for what is in hand."""
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        """A worker one of whose threads broke must not look alive: it ends, and starts anew."""
        try:
            while not self._stopping.is_set():
                if not self._step():
                    pause_s = self._outbox.pause_s(self._channel)
                    # A paced way is not woken early: a wake-up comes with every message.
                    if pause_s:
                        self._stopping.wait(min(pause_s, POLL_S))
                    else:
                        self._woken.wait(POLL_S)
                    self._woken.clear()
        finally:
            self._stopping.set()

    def _step(self) -> int:
        try:
            return len(self._outbox.process([self._channel], BATCH, self._stopping.is_set))
        except SQLAlchemyError as exc:
            log.error("channel_worker_waits", channel=self._channel, reason=type(exc).__name__)
            return 0


@click.command("worker")
@heartbeat.check_option
def worker(check: bool) -> None:
    """Send what is due, take events, settle what was left UNKNOWN, forget; until SIGTERM."""
    if check:
        heartbeat.check(container().settings.heartbeat_path("notification"))
    process = container()
    with observed("notification-worker", process.settings):
        run_worker(process)


def run_worker(container: Container) -> None:
    """Work until SIGTERM; the slices in hand are finished, the rest of their batches given back."""
    stopping = stop_on_signals()
    events = threading.Thread(target=_take_events, args=(container, stopping), name="events")
    events.start()
    every(SWEEP_EVERY_S, lambda: settle_abandoned(container.database), stopping)
    every(ADVANCE_EVERY_S, lambda: _advance(container), stopping)
    every(PURGE_EVERY_S, lambda: keep_bounded(container.database, container.settings), stopping)
    every(CAMPAIGNS_EVERY_S, lambda: _run_campaigns(container, stopping), stopping)
    _ask_about_unknown(container, stopping)
    for transport in container.transports.values():
        if isinstance(transport, SmsTransport):
            transport.listen()
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again and again
    workers = [
        ChannelWorker(container.outbox, channel, stopping) for channel in container.outbox.channels
    ]
    log.info("worker_started", channels=container.outbox.channels)

    def step() -> int:
        for worker in workers:
            worker.wake()
        return _publish(container)

    work(
        step,
        Listener(lambda: open_broker(container.settings), WAKE_UP_QUEUE),
        stopping,
        beat=Heartbeat(container.settings.heartbeat_path("notification")).beat,
    )
    for worker in workers:
        worker.join()
    events.join()
    for transport in container.transports.values():
        transport.close()


def _take_events(container: Container, stopping: threading.Event) -> None:
    """A worker that takes no events any more must not look alive: it ends, and starts anew."""
    try:
        consume_events(container, stopping)
    finally:
        stopping.set()


def _run_campaigns(container: Container, stopping: threading.Event) -> None:
    while not stopping.is_set() and run_due(container.database, container.settings):
        container.wake_up.send()


def _ask_about_unknown(container: Container, stopping: threading.Event) -> None:
    """Providers are asked over ways of their own: the workers' are in use."""
    settings = container.settings
    reconciler = Reconciler(
        container.database,
        lease=timedelta(seconds=settings.lease_s),
        wait=timedelta(seconds=settings.unknown_wait_s),
    )
    transports = build_transports(settings, webhooks=container.webhooks).values()

    def ask() -> None:
        for transport in transports:
            while not stopping.is_set() and reconciler.step(transport):
                pass

    every(ASK_EVERY_S, ask, stopping)


def _advance(container: Container) -> None:
    """Bring on what waits for its turn."""
    if advance(container.database) + make_digests(container.database):
        container.wake_up.send()


def _publish(container: Container) -> int:
    """Put due events on their queues; a broker that is away gets them later."""
    try:
        with open_broker(container.settings) as connection:
            return relay_due(container.database, OutboxEvent, connection)
    except BROKER_ERRORS as exc:
        log.warning("events_not_published", reason=type(exc).__name__)
        return 0
