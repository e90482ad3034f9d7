"""Wrong secrets are counted before they cost anything: by address, and by the id claimed.

A right secret is never held up: it is known, or cheap to check, before anybody asks here. An
address that came with a right one lately has a count of its own for that id, so that the guesses
of a neighbour behind the same address are not its own.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: What is said to whom is held up.
TOO_MANY = "Too many wrong secrets; wait before you try again"
#: Wrong secrets that one address, or all addresses for one id, may send at once, and how long until
#: one of them is forgotten.
MAX_WRONG = 10
FORGET_ONE_S = 6.0
#: How long an address that came with a right secret is told apart from its neighbours.
KNOWN_FOR_S = 3600.0
MAX_REMEMBERED = 50_000

Key = tuple[str, ...]


@dataclass
class Throttle:
    """A leaky bucket per key. For one thread or loop, or many: a lost update costs one guess."""

    clock: Callable[[], float] = time.monotonic
    _levels: OrderedDict[Key, tuple[float, float]] = field(default_factory=OrderedDict, repr=False)
    _known: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict, repr=False)

    def wait_s(self, address: str, claimed: str) -> int:
        """Seconds until `address` may try a secret of `claimed` again; 0: now."""
        excess = max(self._level(key) for key in self._keys(address, claimed)) - (MAX_WRONG - 1)
        return math.ceil(excess * FORGET_ONE_S) if excess > 0 else 0

    def is_suspected(self, address: str, claimed: str) -> bool:
        """Whether something was wrong lately: from `address`, or of `claimed`."""
        return any(self._level(key) > 0 for key in self._keys(address, claimed))

    def note(self, address: str, claimed: str, is_right: bool) -> Sequence[Key]:
        """A secret of `claimed` was checked; returns the counts that went up, for `take_back`."""
        if is_right:
            self._remember(address, claimed)
            return ()
        keys = self._keys(address, claimed)
        self._add(keys, 1)
        while len(self._levels) > MAX_REMEMBERED:
            self._levels.popitem(last=False)
        return keys

    def take_back(self, keys: Sequence[Key]) -> None:
        """What was counted as wrong while it was being checked was right."""
        self._add(keys, -1)

    def _add(self, keys: Sequence[Key], one: int) -> None:
        now = self.clock()
        for key in keys:
            level = self._level(key) + one
            self._levels[key] = (max(0.0, min(level, 2 * MAX_WRONG)), now)
            self._levels.move_to_end(key)

    def _remember(self, address: str, claimed: str) -> None:
        self._known[address, claimed] = self.clock() + KNOWN_FOR_S
        self._known.move_to_end((address, claimed))
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def _keys(self, address: str, claimed: str) -> list[Key]:
        if self._known.get((address, claimed), 0.0) > self.clock():
            return [("pair", address, claimed)]
        return [("address", address), ("id", claimed)]

    def _level(self, key: Key) -> float:
        level, since = self._levels.get(key, (0.0, 0.0))
        return max(0.0, level - (self.clock() - since) / FORGET_ONE_S)
