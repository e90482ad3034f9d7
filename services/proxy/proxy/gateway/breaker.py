"""A mediator that does not answer is left alone for a while, so that nobody waits for it in vain.

After so many failures in a row the circuit opens: calls are not made. Once the pause is over one
call tries (half-open); its answer closes the circuit, its failure opens it for twice as long. Each
process judges by its own calls. Whatever a mediator answers, it lives.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.clock import utc_now
from common.http.outcomes import ClosedUnanswered, NotPermitted, NotSent, OutboundError, TimedOut
from common.logs import get_logger
from prometheus_client import Counter

log = get_logger(__name__)

LONGEST_PAUSE_S = 120.0
_openings = Counter("kiungo_circuit_openings", "Circuits that were opened", ["mediator"])
_unmade = Counter("kiungo_circuit_unmade_calls", "Calls that open circuits stopped", ["mediator"])


class CircuitOpen(NotSent):
    """The mediator did not answer lately; nothing was sent."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("its circuit is open: it did not answer lately")
        self.wait_s = max(1, round(wait_s))


class BegunTooLate(NotSent):
    """Our own record took too long; the mediator has nothing to do with it."""


@dataclass(slots=True)
class Breaker:
    """The circuit of one mediator. `max_failures` 0: it never opens."""

    name: str = ""
    max_failures: int = 0
    pause_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    #: In a row, of calls that were made.
    failures: int = 0
    #: Open or half-open; asked for every call.
    is_tripped: bool = False
    #: When it was opened last: until when; None once it is closed.
    open_until: datetime | None = None
    #: Whether the state changed since `Breakers.changed` was asked.
    is_changed: bool = False
    _is_probed: bool = False
    _closed_again_at: float = 0.0
    _next_pause_s: float = 0.0

    def probe(self) -> None:
        """Let one call through an open circuit whose pause is over. Raises CircuitOpen."""
        wait_s = self._closed_again_at - self.clock()
        if wait_s > 0 or self._is_probed:
            _unmade.labels(self.name).inc()
            raise CircuitOpen(wait_s)
        self._is_probed = True

    def failed(self, error: OutboundError, *, is_probe: bool) -> None:
        """A call did not end in an answer."""
        if is_probe:
            self._is_probed = False
        elif self.is_tripped:
            return  # it left before the circuit was opened
        if not _says_something(error):
            return
        self.failures += 1
        if self.max_failures and (is_probe or self.failures >= self.max_failures):
            self._open()

    def answered(self) -> None:
        """A call got an answer."""
        self.failures = 0
        if self.is_tripped:
            log.info("circuit_closed", mediator=self.name)
            self.is_tripped, self._is_probed, self._next_pause_s = False, False, 0.0
            self.open_until, self.is_changed = None, True

    def abandoned(self, *, is_probe: bool) -> None:
        """A call ended in a way that says nothing of the mediator."""
        if is_probe:
            self._is_probed = False

    def _open(self) -> None:
        pause_s = self._next_pause_s or self.pause_s
        self._next_pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._closed_again_at = self.clock() + pause_s
        self.open_until = utc_now() + timedelta(seconds=pause_s)
        self.is_tripped = self.is_changed = True
        _openings.labels(self.name).inc()
        log.warning("circuit_opened", mediator=self.name, pause_s=pause_s, failures=self.failures)


def _says_something(error: OutboundError) -> bool:
    """Whether a failure is the mediator's: it cannot be reached, is silent, or hangs up."""
    if isinstance(error, (NotPermitted, BegunTooLate)):
        return False
    return isinstance(error, (NotSent, ClosedUnanswered, TimedOut))


@dataclass(slots=True)
class Breakers:
    """The circuits of a process; they outlive the routing table."""

    max_failures: int = 0
    pause_s: float = 10.0
    _known: dict[tuple[uuid.UUID, str], Breaker] = field(default_factory=dict)

    def of(self, mediator_id: uuid.UUID, urn: str, endpoint_url: str) -> Breaker:
        """A mediator's circuit; another endpoint begins with a closed one."""
        key = mediator_id, endpoint_url
        if key not in self._known:
            self._known[key] = Breaker(urn, self.max_failures, self.pause_s)
        return self._known[key]

    def changed(self) -> dict[uuid.UUID, datetime | None]:
        """Until when circuits are open that changed since the last time this was asked."""
        found = {}
        for (mediator_id, _), breaker in list(self._known.items()):
            if breaker.is_changed:
                breaker.is_changed = False
                found[mediator_id] = breaker.open_until
        return found
