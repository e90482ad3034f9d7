"""`make bench`: Kiungo against plain nginx in front of the same upstream, in one run.

    python tools/bench.py [--rounds 3] [--seconds 6] [--shape PostgreSQL]

Machines are noisy: rounds alternate, medians are compared, and what counts are the ratios and the
CPU per request. Needs wrk; PostgreSQL is measured where TEST_POSTGRES (default: the local server's
superuser) is reachable. The goals stand in bench_report.py.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench_load import Result, load, upstream, wrk_is_there
from bench_processes import tree_cpu_s
from bench_report import MANY, ONE, SLOW, SLOWER, Rounds, Waiting, print_goals, print_rounds
from bench_shapes import NAMES, Shape, shapes
from ports import unused_ports

Measure = Callable[[int, int], Result]

PATHS = {SLOW: "/demo/slow/x", SLOWER: "/demo/slower/x"}
#: Long enough that connecting and the last answers on their way count for little.
WAITING_SECONDS = {SLOW: 10, SLOWER: 20}


def main() -> int:
    """Measure and print; 0 when every goal that could be measured was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--shape", choices=NAMES, help="only this one")
    given = parser.parse_args()
    if not wrk_is_there():
        print("Skipped: wrk is not installed (Debian: apt-get install wrk).")
        return 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        upstream_port, plain_port = unused_ports(2)
        nginx = opened.enter_context(upstream(folder, upstream_port, plain_port))
        rounds: Rounds = {}
        waiting: dict[str, list[Waiting]] = {}
        for name in [given.shape] if given.shape else NAMES:
            # Each alone: an installation with nothing to do takes a tenth of a core.
            with ExitStack() as alone:
                for shape in shapes(alone, folder, upstream_port, only=name):
                    plain = partial(_plain, f"http://127.0.0.1:{plain_port}/demo/x", nginx, shape)
                    _alternate(plain, shape, rounds, given.rounds, given.seconds)
                    waiting[name] = [_waiting(shape, one) for one in PATHS]
        print_rounds(rounds)
        return print_goals(rounds, waiting)


def _plain(url: str, nginx: int, shape: Shape, connections: int, seconds: int) -> Result:
    """Plain nginx, which gets what `shape` does."""
    return load(
        url,
        shape.headers,
        connections=connections,
        seconds=seconds,
        cpu_s=lambda: tree_cpu_s(nginx),
        script_dir=shape.folder,
    )


def _alternate(plain: Measure, shape: Shape, found: Rounds, rounds: int, seconds: int) -> None:
    """Plain nginx and the shape in turns, with one connection and with many."""
    measures: dict[str, Measure] = {"nginx": plain, shape.name: partial(shape.measure, "/demo/x")}
    shape.measure("/demo/x", MANY, 2)  # warm
    for _ in range(rounds):
        for connections, lasting in ((MANY, seconds), (ONE, max(2, seconds // 2))):
            for name, measure in measures.items():
                found.setdefault((name, connections), []).append(measure(connections, lasting))


def _waiting(shape: Shape, connections: int) -> Waiting:
    """Many connections against an upstream that takes its time, and the growth of memory."""
    shape.measure(PATHS[connections], connections, 3)  # warm
    before = shape.memory_bytes()
    result = shape.measure(PATHS[connections], connections, WAITING_SECONDS[connections])
    time.sleep(1)
    return Waiting(connections, result, (shape.memory_bytes() - before) / 1e6)


if __name__ == "__main__":
    sys.exit(main())
