"""gunicorn's workers, as the services need them.

`AsyncioWorker` runs an application of an event loop (`common.http.server_protocol.Application` with
`start` and `stop`) on uvloop. `DrainingThreadWorker` runs Flask in threads and tells answers that
have no end of their own that the process stops (`common.web.draining`).
"""

import asyncio
import gc
import os
import signal
import sys
from types import FrameType
from typing import Any

import uvloop
from gunicorn.errors import AppImportError
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

from common.http.server import Server
from common.settings import SettingError
from common.web.draining import draining

NOTIFY_EVERY_S = 1.0
#: Calls leave no cycles behind: the collector looks for them once so many more objects are alive.
COLLECTED_AT = 20_000
#: A thread that works in Python lets the loop go on after so long; Python's own 5 ms would add
#: up to tens of milliseconds for a call, which passes the loop several times.
SWITCH_INTERVAL_S = 0.001


class Loads(Worker):
    """Mixin: a setting that is wrong ends the start in one line."""

    def load_wsgi(self) -> None:
        """Build the application."""
        try:
            super().load_wsgi()
        except SettingError as exc:
            raise AppImportError(str(exc)) from None


class DrainingThreadWorker(Loads, ThreadWorker):
    """Requests in hand are finished."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop."""
        draining.has_begun = True
        super().handle_exit(sig, frame)


class AsyncioWorker(Loads, Worker):
    """One process with one event loop."""

    def init_signals(self) -> None:
        """The loop's own handlers are set when it runs; what the arbiter set is not inherited."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def run(self) -> None:
        """Serve until told to stop."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        application: Any = self.wsgi
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, stopping.set)
        for number in (signal.SIGUSR1, signal.SIGWINCH, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        await application.start()
        _spare_the_collector()
        server = Server(application)
        # Copies: gunicorn closes its own.
        await server.listen([listener.sock.dup() for listener in self.sockets])
        while not stopping.is_set() and os.getppid() == self.ppid:
            self.notify()
            try:
                await asyncio.wait_for(stopping.wait(), NOTIFY_EVERY_S)
            except TimeoutError:
                continue
        keeping = loop.create_task(self._keep_notifying())
        await server.drain(self.cfg.graceful_timeout)
        await application.stop()
        keeping.cancel()

    async def _keep_notifying(self) -> None:
        while True:
            self.notify()
            await asyncio.sleep(NOTIFY_EVERY_S)


def _spare_the_collector() -> None:
    """What stands once the process has started is never garbage: it is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AT)
