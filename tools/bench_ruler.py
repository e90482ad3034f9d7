"""How slow this machine is while it is measured, beside the one where the goals were set.

Absolute goals were set where a pair of signature and verification took 65 µs and a flush to disk
0.3 ms. Elsewhere, or beside other work, both take longer, and so does everything else.
"""

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PAIR_US = 65.0
FLUSH_MS = 0.3
PAIRS, FLUSHES = 500, 20


@dataclass
class Ruler:
    """Measured between the rounds of a benchmark; flushes go to a file in `folder`."""

    folder: Path
    pairs_us: list[float] = field(default_factory=list)
    flushes_ms: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Measure once more."""
        key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
        public, text = key.public_key(), b"x" * 250
        began = time.perf_counter()
        for _ in range(PAIRS):
            public.verify(key.sign(text, algorithm), text, algorithm)
        self.pairs_us.append((time.perf_counter() - began) / PAIRS * 1e6)
        with (self.folder / "flushes").open("wb", buffering=0) as file:
            for _ in range(FLUSHES):
                file.write(text)
                began = time.perf_counter()
                os.fsync(file.fileno())
                self.flushes_ms.append((time.perf_counter() - began) * 1e3)

    def rate(self, goal: float) -> float:
        """What a goal of so many a second, which computing bounds, comes to here."""
        return goal / self.slowdown

    @property
    def slowdown(self) -> float:
        """How many times longer computing takes here; at least 1."""
        return max(1.0, statistics.median(self.pairs_us) / PAIR_US)

    @property
    def late_ms(self) -> float:
        """How much longer one flush takes here; at least 0."""
        return max(0.0, statistics.median(self.flushes_ms) - FLUSH_MS)

    def __str__(self) -> str:
        pair_us, flush_ms = statistics.median(self.pairs_us), statistics.median(self.flushes_ms)
        return (
            f"sign and verify {pair_us:.0f} µs ({PAIR_US:.0f} where the goals were set), "
            f"a flush to disk {flush_ms:.1f} ms ({FLUSH_MS})"
        )
