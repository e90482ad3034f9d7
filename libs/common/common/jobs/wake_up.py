"""Wake-ups: messages that carry nothing and only shorten a worker's wait.

The work itself is in the database. A wake-up that cannot be sent is not an error: workers look for
themselves every few seconds.
"""

import threading
import time
from collections.abc import Callable

from kombu.connection import Connection
from kombu.entity import Queue

from common.jobs.broker import BROKER_ERRORS
from common.logs import get_logger

log = get_logger(__name__)

_PAUSE_S = 2.0


def wake_up_queue(name: str) -> Queue:
    """The queue of a wake-up: one is as good as many, so it holds one."""
    return Queue(name, durable=True, queue_arguments={"x-max-length": 1, "x-overflow": "drop-head"})


class WakeUp:
    """Sent from a thread of its own: never blocks its caller, joins those that come together."""

    def __init__(self, connect: Callable[[], Connection], queue: str) -> None:
        self._connect = connect
        self._queue = wake_up_queue(queue)
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def send(self) -> None:
        """Ask for one to be sent soon."""
        self._wanted.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="wake-up", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._send_while_connected()
            except BROKER_ERRORS as exc:
                log.warning("wake_up_not_sent", queue=self._queue.name, reason=type(exc).__name__)
                time.sleep(_PAUSE_S)

    def _send_while_connected(self) -> None:
        with self._connect() as connection, connection.Producer() as producer:
            while True:
                self._wanted.wait()
                self._wanted.clear()
                producer.publish(
                    b"", routing_key=self._queue.name, declare=[self._queue], delivery_mode=1
                )


class Listener:
    """A worker's end of the queue."""

    def __init__(self, connect: Callable[[], Connection], queue: str) -> None:
        self._connect = connect
        self._queue = wake_up_queue(queue)
        self._connection: Connection | None = None

    def wait(self, timeout_s: float) -> None:
        """Return at the next wake-up, or after `timeout_s`, or (broker away) after it as well."""
        deadline = time.monotonic() + timeout_s
        try:
            self._drain(timeout_s)
        except TimeoutError:
            return
        except BROKER_ERRORS as exc:
            log.warning("wake_up_not_heard", queue=self._queue.name, reason=type(exc).__name__)
            self.close()
            time.sleep(max(0.0, deadline - time.monotonic()))

    def _drain(self, timeout_s: float) -> None:
        if self._connection is None:
            self._connection = self._connect()
            consumer = self._connection.Consumer(self._queue, no_ack=True)
            consumer.register_callback(lambda _body, _message: None)
            consumer.consume()
        self._connection.drain_events(timeout=timeout_s)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.release()


def on_wake_ups(listener: Listener, act: Callable[[], object], poll_s: float = 60.0) -> None:
    """Run `act` at each wake-up, from a daemon thread: for workers that are an event loop."""

    def run() -> None:
        while True:
            listener.wait(poll_s)
            act()

    threading.Thread(target=run, name="listener", daemon=True).start()
