"""How long the same question takes, asked a few times."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Times:
    """Of some rounds; on a busy machine the best one and this process's CPU say more."""

    median_ms: float
    best_ms: float
    longest_ms: float
    #: This process's own: the least of any round.
    cpu_ms: float

    @classmethod
    def of(cls, ask: Callable[[], object], rounds: int) -> Self:
        """Ask so many times."""
        times_ms, cpu_ms = [], []
        for _ in range(rounds):
            began, used = time.perf_counter(), time.process_time()
            ask()
            times_ms.append((time.perf_counter() - began) * 1000)
            cpu_ms.append((time.process_time() - used) * 1000)
        return cls(statistics.median(times_ms), min(times_ms), max(times_ms), min(cpu_ms))

    def __str__(self) -> str:
        return (
            f"{self.median_ms:5.0f} ms (best {self.best_ms:4.0f}, longest {self.longest_ms:5.0f},"
            f" own CPU {self.cpu_ms:4.0f})"
        )
