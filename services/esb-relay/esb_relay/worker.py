"""The relay's worker process: late answers, accepted calls, events, the sweeper, retention."""

import asyncio
import contextlib
import signal
import threading

import click
import uvloop
from common.db.reader import Reader
from common.jobs import heartbeat
from common.jobs.backlog import Queue
from common.jobs.broker import BROKER_ERRORS, open_broker
from common.jobs.events import relay_due
from common.jobs.heartbeat import Heartbeat
from common.jobs.leased_tasks import LeasedTasks
from common.jobs.wake_up import Listener, on_wake_ups
from common.jobs.worker import every, observed
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

from esb_relay.callbacks import deliveries, late_work
from esb_relay.container import WAKE_UP_QUEUE, Container, Engine, build_engine, container
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.models import (
    AsyncAnswer,
    DeliveryStatus,
    InboundRequest,
    InboundStatus,
    OutboxEvent,
)
from esb_relay.retention import keep_bounded
from esb_relay.sweeper import end_interrupted

log = get_logger(__name__)

MOST = 64
LEASE_S = 30.0
SWEEP_EVERY_S = 5.0
PURGE_EVERY_S = 3600.0
PUBLISH_EVERY_S = 2.0

LATE_ANSWERS = Queue(AsyncAnswer, (AsyncAnswer.status == DeliveryStatus.PENDING,))
ACCEPTED_CALLS = Queue(InboundRequest, (InboundRequest.status == InboundStatus.WAITING,))
QUEUES = {
    "late_answers": LATE_ANSWERS,
    "accepted_calls": ACCEPTED_CALLS,
    "events": Queue(OutboxEvent),
}


@click.command("worker")
@heartbeat.check_option
def worker(check: bool) -> None:
    """Ask targets of accepted calls, post late answers, publish events; until SIGTERM."""
    if check:
        heartbeat.check(container().settings.heartbeat_path("esb-relay"))
    process = container()
    with observed("esb-relay-worker", process.settings):
        run_worker(process)


def run_worker(container: Container, *, lease_s: float = LEASE_S) -> None:
    """Work until SIGTERM; what is in hand is finished. Others may take up a lease that ended."""
    stopped = threading.Event()
    every(SWEEP_EVERY_S, lambda: end_interrupted(container.database, container.settings), stopped)
    every(PURGE_EVERY_S, lambda: keep_bounded(container.database, container.settings), stopped)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(container, lease_s))
    stopped.set()


async def _work(container: Container, lease_s: float) -> None:
    reader = Reader()
    engine = build_engine(container, reader, ExchangeWriter(container.database.engine))
    stopping, woken = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    answers = _late_answers(container, engine, reader, lease_s)
    calls = _accepted_calls(container, engine, reader, lease_s)

    def wake() -> None:
        for hands in (answers, calls):
            hands.wake()
        woken.set()

    listener = Listener(lambda: open_broker(container.settings), WAKE_UP_QUEUE)
    on_wake_ups(listener, lambda: loop.call_soon_threadsafe(wake))
    log.info("worker_started", most=MOST)
    heartbeat = Heartbeat(container.settings.heartbeat_path("esb-relay"))
    beside = [
        loop.create_task(_keep_publishing(container, woken)),
        loop.create_task(heartbeat.keep_beating()),
    ]
    await asyncio.gather(answers.work(stopping), calls.work(stopping))
    for task in beside:
        task.cancel()
    await engine.exchanger.close()
    engine.targets.close()
    reader.close()


def _late_answers(
    container: Container, engine: Engine, reader: Reader, lease_s: float
) -> LeasedTasks[AsyncAnswer, deliveries.Delivery]:
    deliverer = deliveries.Deliverer(
        container.settings,
        container.database,
        container.keyring,
        engine.exchanger,
        reader,
        lease_s=lease_s,
    )
    return LeasedTasks(
        container.database,
        AsyncAnswer,
        deliveries.claimed,
        deliverer.run,
        *LATE_ANSWERS.criteria,
        threads=reader,
        most=MOST,
        lease_s=lease_s,
        log_id=lambda delivery: str(delivery.answer_id),
    )


def _accepted_calls(
    container: Container, engine: Engine, reader: Reader, lease_s: float
) -> LeasedTasks[InboundRequest, late_work.Accepted]:
    work = late_work.LateWork(
        container.database, engine.targets, reader, container.wake_up.send, lease_s=lease_s
    )
    return LeasedTasks(
        container.database,
        InboundRequest,
        late_work.claimed,
        work.run,
        *ACCEPTED_CALLS.criteria,
        threads=reader,
        most=MOST,
        lease_s=lease_s,
        log_id=lambda accepted: f"{accepted.call.route} {accepted.call.request_id}",
    )


async def _keep_publishing(container: Container, woken: asyncio.Event) -> None:
    """Put due events on their queues, at each wake-up and now and then."""
    while True:
        woken.clear()
        while await asyncio.to_thread(_publish, container):
            pass
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), PUBLISH_EVERY_S)


def _publish(container: Container) -> int:
    """How many events were published; a broker or a database that is away gets them later."""
    try:
        with open_broker(container.settings) as connection:
            return relay_due(container.database, OutboxEvent, connection)
    except (*BROKER_ERRORS, SQLAlchemyError) as exc:
        log.warning("events_not_published", reason=type(exc).__name__)
        return 0
