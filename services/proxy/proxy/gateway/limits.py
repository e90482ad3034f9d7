"""How many calls a client makes, a second and at a time. Each process has its share of both.

A bucket per client is filled with the calls of one second; what is more is rejected before its
body is read. Clients without limits are asked about nothing.
"""

import math
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from prometheus_client import Counter

from proxy.gateway.rejections import TooManyCalls

_limited = Counter("kiungo_calls_limited", "Calls rejected by a client's limits", ["client"])


@dataclass(frozen=True, slots=True)
class Limit:
    """A process's share of what a client may do; None: as much as it likes."""

    rate: float | None
    concurrent: int | None


def share(max_rate: float | None, max_concurrent: int | None, processes: int) -> Limit | None:
    """What one of so many processes lets through; None where there is no limit at all."""
    if max_rate is None and max_concurrent is None:
        return None
    rate = None if max_rate is None else max_rate / processes
    concurrent = None if max_concurrent is None else max(1, max_concurrent // processes)
    return Limit(rate, concurrent)


@dataclass(slots=True)
class _Use:
    """What a client uses: calls that it may begin now, as of a moment, and calls that run."""

    left: float
    at: float
    running: int = 0


@dataclass(slots=True)
class Slot:
    """One running call's place among its client's; given back once, by whom it was handed to."""

    _use: _Use
    is_handed_on: bool = False
    _is_left: bool = False

    def leave(self) -> None:
        """The call has ended."""
        if not self._is_left:
            self._is_left = True
            self._use.running -= 1

    def around(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An answer that still comes: the call ends with it."""
        self.is_handed_on = True
        return _Held(self, pieces)


class _Held:
    """Pieces of an answer; closing them, which the server does in any case, ends the call."""

    def __init__(self, slot: Slot, pieces: AsyncIterator[bytes]) -> None:
        self._slot = slot
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End the answer, and the call."""
        try:
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()
        finally:
            self._slot.leave()


@dataclass(slots=True)
class Limits:
    """The clients' use of a process."""

    clock: Callable[[], float] = time.monotonic
    _uses: dict[str, _Use] = field(default_factory=dict)

    def enter(self, client_id: str, limit: Limit) -> Slot:
        """Let a call in. Raises TooManyCalls."""
        now = self.clock()
        burst = max(1.0, limit.rate or 0.0)
        use = self._uses.setdefault(client_id, _Use(burst, now))
        if limit.concurrent is not None and use.running >= limit.concurrent:
            _limited.labels(client_id).inc()
            raise TooManyCalls("at a time", limit.concurrent, 1)
        if limit.rate is not None:
            use.left, use.at = min(burst, use.left + (now - use.at) * limit.rate), now
            if use.left < 1:
                _limited.labels(client_id).inc()
                wait_s = math.ceil((1 - use.left) / limit.rate)
                raise TooManyCalls("a second", math.ceil(limit.rate), wait_s)
            use.left -= 1
        use.running += 1
        return Slot(use)
