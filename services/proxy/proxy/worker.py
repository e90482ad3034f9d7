"""The proxy's worker process: asynchronous calls, the sweeper, retention."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from common.broker import open_broker
from common.clock import utc_now
from common.doorbell import Listener
from common.leases import claim_due, renew
from common.logs import get_logger
from common.worker import stop_on_signals, work
from sqlalchemy.exc import SQLAlchemyError

from proxy.async_calls import BELL, Claimed
from proxy.call_runner import CallRunner
from proxy.models import AsyncCall
from proxy.parts import Parts
from proxy.retention import keep_bounded
from proxy.sweeper import end_interrupted

log = get_logger(__name__)

SWEEP_EVERY_S = 5.0
PURGE_EVERY_S = 3600.0


class CallWorker:
    """Claims as many calls as it has threads free, and keeps their leases while they run."""

    def __init__(self, parts: Parts, runner: CallRunner) -> None:
        self._parts = parts
        self._runner = runner
        self._lease = timedelta(seconds=parts.settings.async_lease_s)
        self._slots = parts.settings.async_concurrency
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="call")
        self._running: dict[uuid.UUID, int] = {}
        self._lock = threading.Lock()
        self._free = threading.Event()

    def step(self) -> int:
        """Start what is due and fits; returns how many calls were started."""
        with self._lock:
            free = self._slots - sum(self._running.values())
        if not free:
            self._free.clear()
            self._free.wait(timeout=1.0)
            return 1
        claimed = self._claim(free)
        if claimed:
            with self._lock:
                self._running[claimed[0].token] = len(claimed)
        for call in claimed:
            self._threads.submit(self._run, call)
        return len(claimed)

    def _claim(self, limit: int) -> list[Claimed]:
        with self._parts.database.writing() as session:
            rows = claim_due(
                session,
                AsyncCall,
                order_by=[AsyncCall.next_attempt_at],
                limit=limit,
                now=utc_now(),
                lease=self._lease,
            )
            return [
                Claimed(
                    correlation_id=row.correlation_id,
                    token=row.lease_token,
                    attempts=row.attempt_count,
                    was_sent=row.sent_at is not None,
                    channel_id=row.channel_id,
                    esb=row.esb,
                    has_idempotency_key=row.has_idempotency_key,
                )
                for row in rows
                if row.lease_token is not None
            ]

    def _run(self, call: Claimed) -> None:
        try:
            self._runner.run(call)
        except SQLAlchemyError as exc:
            # Its lease ends and the call is taken up again, by what `sent_at` says.
            log.error("call_not_ended", id=str(call.correlation_id), reason=type(exc).__name__)
        except Exception:
            log.exception("call_broke", id=str(call.correlation_id))
            raise
        finally:
            with self._lock:
                self._running[call.token] -= 1
                if not self._running[call.token]:
                    del self._running[call.token]
            self._free.set()

    def renew_leases(self) -> None:
        """Keep the calls that run in this process."""
        with self._lock:
            tokens = list(self._running)
        if not tokens:
            return
        with self._parts.database.writing() as session:
            for token in tokens:
                renew(session, AsyncCall, token, utc_now() + self._lease)

    def drain(self) -> None:
        """Wait for the calls in hand."""
        self._threads.shutdown(wait=True)


def _every(seconds: float, act: Callable[[], object], stopping: threading.Event) -> None:
    """Run `act` now and then in a thread of its own, until `stopping`."""

    def run() -> None:
        while not stopping.is_set():
            try:
                act()
            except SQLAlchemyError as exc:
                log.warning("housekeeping_failed", reason=type(exc).__name__)
            stopping.wait(seconds)

    threading.Thread(target=run, name="housekeeping", daemon=True).start()


def run_worker(parts: Parts, runner: CallRunner) -> None:
    """Work until SIGTERM; calls in hand are finished."""
    stopping, drained = stop_on_signals(), threading.Event()
    worker = CallWorker(parts, runner)
    _every(parts.settings.async_lease_s / 3, worker.renew_leases, drained)
    _every(SWEEP_EVERY_S, lambda: end_interrupted(parts.database), stopping)
    _every(PURGE_EVERY_S, lambda: keep_bounded(parts.database, parts.settings), stopping)
    listener = Listener(lambda: open_broker(parts.settings), BELL)
    log.info("worker_started", threads=parts.settings.async_concurrency)
    work(worker.step, listener, stopping)
    worker.drain()
    drained.set()
