"""The loop of a worker process: do what is due, wait for a wake-up, end cleanly on SIGTERM."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from common.jobs.wake_up import Listener
from common.logs import get_logger
from common.metrics import push_metrics
from common.settings import Environment
from common.tracing import close_tracing, configure_tracing

log = get_logger(__name__)

#: How long a worker waits for a wake-up before it looks for itself.
POLL_S = 2.0


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set: finish what is in hand, take nothing new."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping


@contextmanager
def observed(service: str, settings: Environment) -> Iterator[None]:
    """Around a worker's work: it is traced and its metrics are pushed, where that is set."""
    configure_tracing(service, settings)
    push_metrics(service, settings)
    try:
        yield
    finally:
        close_tracing()


def work(
    step: Callable[[], int],
    listener: Listener,
    stopping: threading.Event,
    *,
    beat: Callable[[], None],
    poll_s: float = POLL_S,
) -> None:
    """Call `step` until `stopping`; it returns how much it did, and after 0 the worker waits.

    `beat` is called with each turn (see `heartbeat`).

    A database that is away is waited for: the work is not lost, only later.
    """
    while not stopping.is_set():
        beat()
        try:
            if step():
                continue
        except SQLAlchemyError as exc:
            log.error("worker_step_failed", reason=type(exc).__name__)
        listener.wait(poll_s)
    listener.close()


def every(seconds: float, act: Callable[[], object], stopping: threading.Event) -> None:
    """Run `act` now and then in a thread of its own, until `stopping`, whatever it raises."""

    def run() -> None:
        while not stopping.is_set():
            try:
                act()
            except SQLAlchemyError as exc:
                log.warning("housekeeping_failed", reason=type(exc).__name__)
            except Exception:
                log.exception("housekeeping_broke")
            stopping.wait(seconds)

    threading.Thread(target=run, name="housekeeping", daemon=True).start()
