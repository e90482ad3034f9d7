"""One timer for all exchanges of a connection, moved only once it goes off.

Nearly every answer is here long before its time is over: a timer for each would be set and taken
back again and again, which costs as much as reading a short answer's header.
"""

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings once, at the time that was set last, unless it is stopped before."""

    __slots__ = ("_due", "_goes_off", "_loop", "_ring", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due = self._goes_off = 0.0
        self._ring: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: float, ring: Callable[[], None]) -> None:
        """Ring at `due`, by the loop's clock, and at no other time."""
        self._due, self._ring = due, ring
        if self._timer is not None:
            if self._goes_off <= due:
                return
            self._timer.cancel()
        self._goes_off = due
        self._timer = self._loop.call_at(due, self._went_off)

    def stop(self) -> None:
        """Do not ring; the timer stays for what is set next."""
        self._ring = None

    def close(self) -> None:
        """Do not ring any more."""
        self._ring = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _went_off(self) -> None:
        self._timer, ring = None, self._ring
        if ring is None:
            return
        if self._loop.time() < self._due:
            self.set(self._due, ring)
        else:
            self._ring = None
            ring()
