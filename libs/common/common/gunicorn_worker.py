"""gunicorn's gevent worker, whose end idle keep-alive connections do not hold up.

Services keep connections to one another open between calls. Without this a stopping worker waits
for each of them as if it were a request in hand, and two services that keep connections to each
other wait for one another.
"""

from contextlib import AbstractContextManager
from types import FrameType, TracebackType

import gevent
from gunicorn.workers.ggevent import GeventWorker

from common.draining import draining

#: A connection that was taken up while the worker stops may still bring its first request.
LAST_REQUEST_WAIT_S = 1.0


class DrainingGeventWorker(GeventWorker):
    """Requests in hand are finished; connections that wait for their next one are closed.

    Answers that have no end of their own are asked to end (`common.draining`).
    """

    def timeout_ctx(self) -> AbstractContextManager[object]:
        """Around the wait for a connection's next request."""
        return _Waiting(self, self.cfg.keepalive if self.alive else LAST_REQUEST_WAIT_S)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and let the waiting connections go."""
        super().handle_exit(sig, frame)
        # Out of the signal handler, where nothing may block.
        gevent.spawn(self._end_waits)

    def init_process(self) -> None:
        """Start the worker."""
        self.waits: set[_Waiting] = set()
        super().init_process()

    def _end_waits(self) -> None:
        draining.has_begun = True
        for wait in list(self.waits):
            wait.end()


class _Waiting:
    """The wait of one connection: ended by time, or by the worker."""

    def __init__(self, worker: DrainingGeventWorker, limit_s: float) -> None:
        self._worker = worker
        self._greenlet = gevent.getcurrent()
        # False: leaving the context swallows it, and there is no request.
        self._timeout = gevent.Timeout(limit_s, False)

    def __enter__(self) -> None:
        self._worker.waits.add(self)
        self._timeout.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._worker.waits.discard(self)
        self._timeout.close()
        return error is self._timeout

    def end(self) -> None:
        """As if its time were over."""
        gevent.kill(self._greenlet, self._timeout)
