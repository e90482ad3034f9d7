"""The proxy's worker process: asynchronous calls, the sweeper, tallies, retention."""

import threading
import uuid

from common.broker import open_broker
from common.clock import utc_now
from common.doorbell import Listener
from common.leased_work import LeasedWork
from common.logs import get_logger
from common.worker import every, stop_on_signals, work

from proxy.async_calls import BELL, Claimed
from proxy.call_runner import CallRunner
from proxy.models import AsyncCall
from proxy.parts import Parts
from proxy.retention import keep_bounded
from proxy.sweeper import end_interrupted
from proxy.tallying import tally_past_hours

log = get_logger(__name__)

SWEEP_EVERY_S = 5.0
TALLY_EVERY_S = 60.0
PURGE_EVERY_S = 3600.0


def claimed(row: AsyncCall, token: uuid.UUID) -> Claimed:
    """What the runner needs of a claimed call."""
    return Claimed(
        correlation_id=row.correlation_id,
        token=token,
        attempts=row.attempt_count,
        was_sent=row.sent_at is not None,
        channel_id=row.channel_id,
        esb=row.esb,
        has_idempotency_key=row.has_idempotency_key,
    )


def run_worker(parts: Parts, runner: CallRunner) -> None:
    """Work until SIGTERM; calls in hand are finished."""
    settings, database = parts.settings, parts.database
    stopping, drained = stop_on_signals(), threading.Event()
    calls = LeasedWork(
        database,
        AsyncCall,
        claimed,
        runner.run,
        slots=settings.async_concurrency,
        lease_s=settings.async_lease_s,
        log_id=lambda call: str(call.correlation_id),
    )
    every(settings.async_lease_s / 3, calls.renew_leases, drained)
    every(SWEEP_EVERY_S, lambda: end_interrupted(database), stopping)
    every(TALLY_EVERY_S, lambda: tally_past_hours(database, utc_now()), stopping)
    every(PURGE_EVERY_S, lambda: keep_bounded(database, settings), stopping)
    listener = Listener(lambda: open_broker(settings), BELL)
    log.info("worker_started", threads=settings.async_concurrency)
    work(calls.step, listener, stopping)
    calls.drain()
    drained.set()
