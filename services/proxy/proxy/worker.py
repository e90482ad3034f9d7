"""The proxy's worker: asynchronous calls, rerun tasks, retries, polls, sweeper, rollups, purges."""

import asyncio
import signal
import threading
import uuid
from collections.abc import Callable

import click
import uvloop
from common.clock import utc_now
from common.db.reader import Reader
from common.jobs import heartbeat
from common.jobs.backlog import Queue
from common.jobs.broker import open_broker
from common.jobs.heartbeat import Heartbeat
from common.jobs.leased_tasks import LeasedTasks
from common.jobs.wake_up import Listener, on_wake_ups
from common.jobs.worker import every, observed
from common.logs import get_logger

from proxy.alerts.delivery import Notification, deliver_due
from proxy.alerts.watch import watch_of
from proxy.container import Container, container
from proxy.gateway.async_calls import WAKE_UP_QUEUE, Claimed
from proxy.gateway.call_runner import CallRunner
from proxy.gateway.forward import Forwarder
from proxy.gateway.polls import MAY_BE_MADE, Polls
from proxy.gateway.routing import Routing
from proxy.models import AlertMessage, AsyncCall, MessageState, Poll, RerunTask
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.retries import make_due_retries
from proxy.record.task_batches import TaskClaim
from proxy.record.task_runner import AT_ONCE, TaskRunner, task_claim
from proxy.retention import keep_bounded
from proxy.statistics.rollup_job import roll_up_past_hours
from proxy.sweeper import end_interrupted

log = get_logger(__name__)

SWEEP_EVERY_S = 5.0
ROLL_UP_EVERY_S = 60.0
PURGE_EVERY_S = 3600.0
RETRY_EVERY_S = 1.0
WATCH_EVERY_S = 1.0

QUEUES = {
    "async_calls": Queue(AsyncCall),
    "polls": Queue(Poll, MAY_BE_MADE),
    "alert_messages": Queue(AlertMessage, (AlertMessage.state == MessageState.QUEUED,)),
    "rerun_tasks": Queue(RerunTask, (RerunTask.is_at_work,)),
}


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


@click.command("worker")
@heartbeat.check_option
def worker(check: bool) -> None:
    """Make asynchronous calls, end interrupted ones, purge; until SIGTERM."""
    if check:
        heartbeat.check(container().settings.heartbeat_path("proxy"))
    process = container()
    with observed("proxy-worker", process.settings):
        run_worker(process)


def run_worker(container: Container) -> None:
    """Work until SIGTERM; calls in hand are finished."""
    settings, database = container.settings, container.database
    stopped = threading.Event()
    every(SWEEP_EVERY_S, lambda: end_interrupted(database), stopped)
    every(ROLL_UP_EVERY_S, lambda: roll_up_past_hours(database, utc_now()), stopped)
    every(PURGE_EVERY_S, lambda: keep_bounded(database, settings), stopped)
    watch, service = watch_of(container), Notification(container)
    watch.prepare()
    every(WATCH_EVERY_S, watch.do_due, stopped)
    every(WATCH_EVERY_S, lambda: deliver_due(database, service), stopped)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_make_calls(container))
    stopped.set()


def calls_of(
    container: Container, routing: Routing, forwarder: Forwarder, threads: Reader
) -> LeasedTasks[AsyncCall, Claimed]:
    """What makes accepted calls in a worker."""
    settings, database = container.settings, container.database
    runner = CallRunner(database, settings, routing, forwarder, container.sealer, threads)
    return LeasedTasks(
        database,
        AsyncCall,
        claimed,
        runner.run,
        threads=threads,
        most=settings.async_concurrency,
        lease_s=settings.async_lease_s,
        log_id=lambda call: str(call.correlation_id),
    )


async def _make_calls(container: Container) -> None:
    settings, database, threads = container.settings, container.database, Reader()
    routing = Routing(database, settings, container.sealer)
    forwarder = Forwarder(settings.connect_timeout_s, container.esb_relay, settings.outbound())
    calls = calls_of(container, routing, forwarder, threads)
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    tasks = _rerun_tasks(container, routing, threads, stopping, calls.wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    listener = Listener(lambda: open_broker(settings), WAKE_UP_QUEUE)

    def wake() -> None:
        calls.wake()
        tasks.wake()

    def retry() -> None:
        if make_due_retries(database, container.sealer, routing.table(), settings.retries_at_once):
            loop.call_soon_threadsafe(calls.wake)

    on_wake_ups(listener, lambda: loop.call_soon_threadsafe(wake))
    await routing.load(threads, stopping)
    heartbeat = Heartbeat(settings.heartbeat_path("proxy"))
    beside = [
        loop.create_task(routing.watch(threads)),
        loop.create_task(heartbeat.keep_beating()),
    ]
    stopped = threading.Event()
    every(RETRY_EVERY_S, retry, stopped)
    log.info("worker_started", most=settings.async_concurrency)
    polls = Polls(container, routing, threads, calls)
    await asyncio.gather(calls.work(stopping), polls.work(stopping), tasks.work(stopping))
    stopped.set()
    for task in beside:
        task.cancel()
    forwarder.close()
    heavy_bodies.close()
    threads.close()


def _rerun_tasks(
    container: Container,
    routing: Routing,
    threads: Reader,
    stopping: asyncio.Event,
    wake: Callable[[], None],
) -> LeasedTasks[RerunTask, TaskClaim]:
    database, sealer = container.database, container.sealer
    return LeasedTasks(
        database,
        RerunTask,
        task_claim,
        TaskRunner(database, routing, sealer, threads, stopping, wake).run,
        RerunTask.is_at_work,
        threads=threads,
        most=AT_ONCE,
        lease_s=container.settings.async_lease_s,
        log_id=lambda claim: str(claim.task_id),
    )
