"""Whether one client's calls stay quick while others do the most expensive things there are.

    python tools/bench_interference.py [--seconds 30] [--shape PostgreSQL]

The most expensive bodies that the rules allow, long paths against many patterns, the console's
CSV export and a flood of wrong secrets go on in loops, one kind after the other, then all at once
for `--seconds`. What a simple client of our own waits for its calls meanwhile is printed.
"""

import argparse
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench_disturbances import Disturbance, prepare
from bench_load import BODY, Result, upstream, wrk_is_there
from bench_report import goal
from bench_shapes import NAMES, Shape, shapes
from ports import unused_ports

GOAL_P99_MS = 100.0
#: Between the client's calls: they are no load of their own.
PAUSE_S = 0.01
KIND_SECONDS = 8
TIMEOUT_S = 30
#: The client is not a neighbour of the disturbers: what they do wrong does not count against it.
OWN_ADDRESS = "127.0.0.2"


@dataclass
class Waits:
    """What each call took, in milliseconds, and how many were not answered 200."""

    all_ms: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 calls took at most."""
        return statistics.quantiles(self.all_ms * 2, n=100, method="inclusive")[98]


def main() -> int:
    """Measure and print; 0 when the goal was reached over each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--shape", choices=NAMES, help="only this one")
    given = parser.parse_args()
    if not wrk_is_there():
        print("Skipped: wrk is not installed (Debian: apt-get install wrk).")
        return 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        upstream_port, plain_port = unused_ports(2)
        opened.enter_context(upstream(folder, upstream_port, plain_port))
        reached = []
        for name in [given.shape] if given.shape else NAMES:
            with ExitStack() as alone:
                measured = shapes(alone, folder, upstream_port, only=name)
                reached += [_measure(shape, given.seconds) for shape in measured]
    return 0 if all(reached) else 1


def _measure(shape: Shape, seconds: int) -> bool:
    """One installation: quiet, beside each kind, beside all; whether the last p99 is short."""
    kinds = prepare(shape)
    time.sleep(2)
    print(f"\n{shape.name}: a simple client's calls beside")
    _beside(shape, [], 2)  # warm
    for beside in ([], *([kind] for kind in kinds)):
        _say(beside, *_beside(shape, beside, KIND_SECONDS))
    waits, noise = _beside(shape, kinds, seconds)
    _say(kinds, waits, noise)
    return goal(
        f"{shape.name}: another client's p99",
        waits.p99_ms < GOAL_P99_MS and waits.failed == 0,
        f"{waits.p99_ms:.0f} ms (< {GOAL_P99_MS:.0f}), {waits.failed} failed",
    )


def _beside(shape: Shape, kinds: Sequence[Disturbance], seconds: int) -> tuple[Waits, list[Result]]:
    """What the client waited, and what came of the disturbances."""
    with ThreadPoolExecutor(len(kinds) or 1) as threads:
        # They begin before the client does, and end after it.
        noise = [threads.submit(kind.go_on, shape, seconds + 1) for kind in kinds]
        time.sleep(0.5)
        waits = _call(shape, seconds)
        return waits, [one.result() for one in noise]


def _call(shape: Shape, seconds: int) -> Waits:
    """One call after the other."""
    waits = Waits()
    connection = http.client.HTTPConnection(
        urlsplit(shape.stack.url).netloc, timeout=TIMEOUT_S, source_address=(OWN_ADDRESS, 0)
    )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.perf_counter()
        try:
            connection.request("POST", "/demo/x", BODY, shape.headers)
            answer = connection.getresponse()
            answer.read()
            waits.failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            connection.close()  # the next call opens it again
            waits.failed += 1
        waits.all_ms.append((time.perf_counter() - began) * 1e3)
        time.sleep(PAUSE_S)
    connection.close()
    return waits


def _say(kinds: Sequence[Disturbance], waits: Waits, noise: Sequence[Result]) -> None:
    name = kinds[0].name if len(kinds) == 1 else "all of it" if kinds else "nothing else"
    done = ", ".join(
        f"{kind.name} {result.rate:,.1f}/s" if len(kinds) > 1 else f"{result.rate:,.1f}/s"
        for kind, result in zip(kinds, noise, strict=True)
    )
    print(
        f"  {name:17} p50 {statistics.median(waits.all_ms):6.1f} ms"
        f"   p99 {waits.p99_ms:6.1f} ms   longest {max(waits.all_ms):6.0f} ms"
        f"   {len(waits.all_ms):5} calls, {waits.failed} failed   {done}"
    )


if __name__ == "__main__":
    sys.exit(main())
