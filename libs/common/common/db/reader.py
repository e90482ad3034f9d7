"""Blocking reads of the database, off the event loop."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 4
#: Whoever waits for a database that has gone silent is told so after this long.
ANSWER_TIMEOUT_S = 10.0


class Reader:
    """A few threads that ask the database for whoever awaits the answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")

    async def run(self, ask: Callable[[], T]) -> T:
        """The answer. Raises what `ask` raises, TimeoutError when it does not come."""
        context = contextvars.copy_context()  # the request's, and its span
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, context.run, ask)

    def close(self) -> None:
        """Let the threads go; who is stuck at a silent database is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


#: Work on more than this many bytes takes milliseconds: it belongs off an event loop.
HEAVY_BYTES = 64 * 1024
