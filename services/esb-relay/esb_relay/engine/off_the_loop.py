"""Work on large messages, beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from common.db.reader import HEAVY_BYTES

T = TypeVar("T")


async def off_the_loop(size_bytes: int, act: Callable[[], T]) -> T:
    """What `act` returns; in a thread where it works on more than a loop should wait for."""
    if size_bytes <= HEAVY_BYTES:
        return act()
    return await asyncio.to_thread(act)
