"""Large bodies are looked into by processes beside the gateway.

To read a megabyte of JSON and to ask a schema of it are single steps of ten milliseconds and more,
in which no other thread of a process goes on: not its event loop either, and the longer, the
less of the processor the thread gets that takes the step.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from common.db.reader import HEAVY_BYTES

T = TypeVar("T")

#: Each begins with the first body that needs it, and holds some 30 MB.
PROCESSES = 2
#: They have what calls leave of the processor.
NICENESS = 10


class HeavyBodies:
    """Processes beside ours; for one loop."""

    def __init__(self) -> None:
        self._processes: ProcessPoolExecutor | None = None

    async def ask(self, size_bytes: int, look: Callable[..., T], *args: object) -> T:
        """What `look` says; of more than `HEAVY_BYTES` it is one of the processes that says it.

        It goes there by its name; `args` and answer are pickled. It acts nothing: where a process
        is killed, another one is asked, once.
        """
        if size_bytes <= HEAVY_BYTES:
            return look(*args)
        try:
            return await self._ask(look, *args)
        except BrokenProcessPool:
            return await self._ask(look, *args)

    def close(self) -> None:
        """Let the processes go; the next question begins others."""
        if self._processes is not None:
            self._processes.shutdown(wait=False, cancel_futures=True)
            self._processes = None

    async def _ask(self, look: Callable[..., T], *args: object) -> T:
        if self._processes is None:
            # Not forked: a gateway has threads.
            spawn = multiprocessing.get_context("spawn")
            self._processes = ProcessPoolExecutor(PROCESSES, spawn, _begin)
        asked = self._processes
        try:
            return await asyncio.get_running_loop().run_in_executor(asked, look, *args)
        except BrokenProcessPool:
            if self._processes is asked:  # else somebody who asked as well has new ones already
                self.close()
            raise


#: Those of this process.
heavy_bodies = HeavyBodies()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever stops the gateway stops us
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_the_gateway, daemon=True).start()


def _end_with_the_gateway() -> None:
    gateway = multiprocessing.parent_process()
    if gateway is not None:
        gateway.join()
    os._exit(0)
