"""The worker process: runs at the scheduled hours and on demand, events, housekeeping."""

import threading
from collections.abc import Callable
from datetime import datetime

from common.broker import open_broker
from common.clock import utc_now
from common.doorbell import Listener
from common.logs import get_logger
from common.worker import every, stop_on_signals, work

from policy_notify import runs
from policy_notify.errors import RunLost
from policy_notify.intake.events import consume_events
from policy_notify.parts import BELL, Parts
from policy_notify.retention import keep_bounded
from policy_notify.running import carry_out
from policy_notify.runs import Lease
from policy_notify.schedule import slot_at

log = get_logger(__name__)

PURGE_EVERY_S = 3600.0


class Scheduler:
    """Asks for the run of each scheduled hour once, and carries out what is asked for."""

    def __init__(
        self, parts: Parts, stopping: threading.Event, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._parts = parts
        self._stopping = stopping
        self._now = now
        self._asked: datetime | None = None

    def step(self) -> int:
        """One look at the clock and the list of runs; returns how many runs were done."""
        self._ask_for_slot()
        lease = Lease(self._parts.settings.run_lease, now=self._now)
        run = runs.begin(self._parts.database, lease)
        if run is None:
            return 0
        try:
            return int(carry_out(self._parts, run, lease, self._stopping.is_set))
        except RunLost:
            log.warning("run_lost", run_id=str(run.id))
            return 0

    def _ask_for_slot(self) -> None:
        settings, now = self._parts.settings, self._now()
        slot = slot_at(now, settings.hours, settings.scheme_timezone)
        if slot is None or slot == self._asked:
            return
        today = slot.astimezone(settings.scheme_timezone).date()
        if runs.request_slot(self._parts.database, slot, today, now):
            log.info("slot_reached", slot=slot.isoformat())
        self._asked = slot


def run_worker(parts: Parts) -> None:
    """Work until SIGTERM; the message in hand is finished, the run is left to be continued."""
    stopping = stop_on_signals()
    events = threading.Thread(
        target=_take_events, args=(parts, stopping), name="events", daemon=True
    )
    events.start()
    every(PURGE_EVERY_S, lambda: keep_bounded(parts.database, parts.settings), stopping)
    scheduler = Scheduler(parts, stopping)
    log.info("worker_started", hours=list(parts.settings.hours))
    work(scheduler.step, Listener(lambda: open_broker(parts.settings), BELL), stopping)
    events.join(timeout=10)


def _take_events(parts: Parts, stopping: threading.Event) -> None:
    """A worker that takes no events any more must not look alive: it ends, and starts anew."""
    try:
        consume_events(parts, stopping)
    finally:
        stopping.set()
