"""gunicorn's gevent worker, with two things it lacks.

An answer's header and the beginning of its body leave as one packet, for each packet wakes whoever
waits for it.

Idle keep-alive connections do not hold up the end of a worker. Services keep connections to one
another open between calls; a stopping worker would wait for each of them as if it were a request
in hand, and two services that keep connections to each other would wait for one another.
"""

from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any

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

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer one request."""
        joined = HeadJoined(sock)
        try:
            super().handle_request(listener_name, req, joined, addr)
        finally:
            joined.flush()

    def init_process(self) -> None:
        """Start the worker."""
        self.waits: set[_Waiting] = set()
        super().init_process()

    def _end_waits(self) -> None:
        draining.has_begun = True
        for wait in list(self.waits):
            wait.end()


class HeadJoined:
    """The socket of one answer: what is sent first, its header, leaves with what comes next.

    gunicorn sends the header when it has the first piece of the body: nothing waits longer.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._head: bytes | None = None
        self._has_begun = False

    def sendall(self, data: bytes) -> None:
        """Send `data`, or keep it for a moment."""
        if not self._has_begun:
            self._has_begun, self._head = True, data
            return
        if self._head is not None:
            data, self._head = self._head + data, None
        sent = self._sock.send(data)  # mostly all of it, and with less ado than `sendall`
        if sent < len(data):
            self._sock.sendall(memoryview(data)[sent:])

    def flush(self) -> None:
        """Send a header that nothing followed."""
        head, self._head = self._head, None
        if head is not None:
            self._sock.sendall(head)

    def __getattr__(self, name: str) -> Any:
        self.flush()
        return getattr(self._sock, name)


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
