"""The worker process: scheduled and requested runs, payments, events, openIMIS, housekeeping."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import click
from common import tracing
from common.clock import utc_now
from common.jobs import heartbeat
from common.jobs.broker import open_broker
from common.jobs.heartbeat import Heartbeat
from common.jobs.wake_up import Listener
from common.jobs.worker import every, observed, stop_on_signals, work
from common.logs import get_logger

from policy_notify.container import WAKE_UP_QUEUE, Container, container
from policy_notify.errors import RunLost
from policy_notify.intake.events import consume_events
from policy_notify.intake.waiting_consents import settle_waiting
from policy_notify.openimis.watch import LOOK_EVERY_S, Watcher
from policy_notify.providers.build import build_providers
from policy_notify.retention import keep_bounded
from policy_notify.runs import lifecycle
from policy_notify.runs.lease import Lease
from policy_notify.runs.payments import PaymentSender
from policy_notify.runs.running import carry_out
from policy_notify.runs.schedule import slot_at

log = get_logger(__name__)

PURGE_EVERY_S = 3600.0
#: A consent and its family may be stored side by side, and neither see the other.
SETTLE_EVERY_S = 60.0
#: How soon a message about a payment leaves, whatever run is on.
PAYMENTS_EVERY_S = 2.0


class Scheduler:
    """Asks for the run of each scheduled hour once, and carries out what is asked for."""

    def __init__(
        self,
        container: Container,
        stopping: threading.Event,
        beat: Callable[[], None],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`beat` is called between the messages of a run, which may last for hours."""
        self._container = container
        self._stopping = stopping
        self._beat = beat
        self._now = now
        self._asked: datetime | None = None

    def step(self) -> int:
        """One look at the clock and the list of runs; returns how many runs were done."""
        self._ask_for_slot()
        lease = Lease(self._container.settings.run_lease, now=self._now)
        run = lifecycle.begin(self._container.database, lease)
        if run is None:
            return 0
        try:
            with tracing.span("run"):
                return int(carry_out(self._container, run, lease, self._is_stopping))
        except RunLost:
            log.warning("run_lost", run_id=str(run.id))
            return 0

    def _is_stopping(self) -> bool:
        self._beat()
        return self._stopping.is_set()

    def _ask_for_slot(self) -> None:
        settings, now = self._container.settings, self._now()
        slot = slot_at(now, settings.hours, settings.scheme_timezone)
        if slot is None or slot == self._asked:
            return
        today = slot.astimezone(settings.scheme_timezone).date()
        if lifecycle.request_slot(self._container.database, slot, today, now):
            log.info("slot_reached", slot=slot.isoformat())
        self._asked = slot


@click.command("worker")
@heartbeat.check_option
def worker(check: bool) -> None:
    """Run at the scheduled hours, take events, forget what is old; until SIGTERM."""
    if check:
        heartbeat.check(container().settings.heartbeat_path("policy-notify"))
    process = container()
    with observed("policy-notify-worker", process.settings):
        run_worker(process)


def run_worker(container: Container) -> None:
    """Work until SIGTERM; the current message is finished, the run is left to be continued."""
    stopping = stop_on_signals()
    events = threading.Thread(
        target=_take_events, args=(container, stopping), name="events", daemon=True
    )
    events.start()
    every(PURGE_EVERY_S, lambda: keep_bounded(container.database, container.settings), stopping)
    every(SETTLE_EVERY_S, lambda: _settle(container), stopping)
    if container.settings.openimis_url:
        watcher = Watcher(container, container.settings.openimis_url, stopping.is_set)
        every(LOOK_EVERY_S, watcher.guarded_step, stopping)
    payments = PaymentSender(_with_own_providers(container), stopping.is_set)
    every(PAYMENTS_EVERY_S, payments.step, stopping)
    heartbeat = Heartbeat(container.settings.heartbeat_path("policy-notify"))
    scheduler = Scheduler(container, stopping, heartbeat.beat)
    log.info("worker_started", hours=list(container.settings.hours))
    work(
        scheduler.step,
        Listener(lambda: open_broker(container.settings), WAKE_UP_QUEUE),
        stopping,
        beat=heartbeat.beat,
    )
    events.join(timeout=10)


def _with_own_providers(container: Container) -> Container:
    """Providers hold connections, which two threads must not share."""
    return replace(container, providers=build_providers(container.settings))


def _settle(container: Container) -> None:
    with container.database.writing() as session:
        settle_waiting(session, container.settings.languages)


def _take_events(container: Container, stopping: threading.Event) -> None:
    """A worker that takes no events any more must not look alive: it ends, and starts anew."""
    try:
        consume_events(container, stopping)
    finally:
        stopping.set()
