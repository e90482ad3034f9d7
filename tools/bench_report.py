"""The benchmarks' goals, and how their results are printed."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench_load import Result

#: Connections: alone, a usual load, waiting for 100 ms, waiting for 1 s.
ONE, MANY, SLOW, SLOWER = 1, 32, 256, 2_000

#: Of what plain nginx does in the same run: rates, and CPU per request (its upstream included).
#: Absolute numbers differ by a factor of three between machines that are called the same.
GOAL_SHARES = {"SQLite": 0.12, "PostgreSQL": 0.15}
GOAL_TIMES_NGINX_CPU = {"PostgreSQL": 8.0}
GOAL_TIMES_P50 = 3.0
GOAL_ADDED_MS = 1.2
#: What so many connections leave room for is 2,560 and 2,000.
GOAL_WAITING = {SLOW: 2_300.0, SLOWER: 1_800.0}
GOAL_GROWTH_MB = 32.0

#: By name, then connections.
Rounds = dict[tuple[str, int], list[Result]]


@dataclass(frozen=True)
class Waiting:
    """A run against a slow upstream, and how much more memory the gateway held after it."""

    connections: int
    result: Result
    growth_mb: float


def median(results: Sequence[Result]) -> Result:
    """The median of each number on its own."""
    return Result(
        rate=statistics.median(one.rate for one in results),
        p50_ms=statistics.median(one.p50_ms for one in results),
        p99_ms=statistics.median(one.p99_ms for one in results),
        errors=sum(one.errors for one in results),
        cpu_us=statistics.median(one.cpu_us for one in results),
    )


def print_rounds(rounds: Rounds) -> None:
    """Medians, and how far the rounds of each were apart: the machine's noise in this run."""
    print("\nPOST of 216 bytes, answer of 1.1 KB; medians of the rounds")
    for (name, connections), results in sorted(rounds.items(), key=lambda item: -item[0][1]):
        rates = [one.rate for one in results]
        spread = (max(rates) - min(rates)) / statistics.median(rates)
        print(f"  {name:12} {connections:3} {median(results)}   (rounds differ by {spread:.0%})")


def print_goals(rounds: Rounds, waiting: Mapping[str, Sequence[Waiting]]) -> int:
    """Each goal with what was measured; the exit status."""
    print("\nGoals")
    found = {key: median(results) for key, results in rounds.items()}
    reached = [
        check
        for name in waiting
        for check in (*_beside_nginx(name, found), *_waiting(name, waiting[name]))
    ]
    return 0 if all(reached) else 1


def _beside_nginx(name: str, found: Mapping[tuple[str, int], Result]) -> Iterator[bool]:
    many, nginx = found[name, MANY], found["nginx", MANY]
    share, wanted = many.rate / nginx.rate, GOAL_SHARES[name]
    yield goal(f"{name}: share of plain nginx", share >= wanted, f"{share:.1%} (≥ {wanted:.0%})")
    times, most = many.cpu_us / nginx.cpu_us, GOAL_TIMES_NGINX_CPU.get(name)
    if most is not None:
        yield goal(
            f"{name}: CPU of plain nginx, database included",
            times <= most,
            f"{times:.1f} times (≤ {most:.0f})",
        )
    tail = many.p99_ms / many.p50_ms
    yield goal(
        f"{name}: p99 at {MANY} connections",
        tail <= GOAL_TIMES_P50,
        f"{tail:.1f} times p50 (≤ {GOAL_TIMES_P50:.0f})",
    )
    added_ms = found[name, ONE].p50_ms - found["nginx", ONE].p50_ms
    yield goal(
        f"{name}: added to plain nginx's p50 at one connection",
        added_ms <= GOAL_ADDED_MS,
        f"{added_ms:.2f} ms (≤ {GOAL_ADDED_MS})",
    )
    errors = many.errors + found[name, ONE].errors
    yield goal(f"{name}: no errors", errors == 0, str(errors))


def _waiting(name: str, runs: Sequence[Waiting]) -> Iterator[bool]:
    for run in runs:
        wanted, found = GOAL_WAITING[run.connections], run.result
        yield goal(
            f"{name}: {run.connections:,} connections, upstream of"
            f" {'100 ms' if run.connections == SLOW else '1 s'}",
            found.rate >= wanted and found.errors == 0,
            f"{found.rate:,.0f} req/s (≥ {wanted:,.0f}), p99 {found.p99_ms:,.0f} ms,"
            f" {found.errors} errors",
        )
        yield goal(
            f"{name}: memory flat at {run.connections:,} connections",
            run.growth_mb <= GOAL_GROWTH_MB,
            f"{run.growth_mb:+.1f} MB (≤ {GOAL_GROWTH_MB:+.0f})",
        )


def goal(name: str, is_reached: bool, found: str) -> bool:
    """Print what was found; whether the goal was reached."""
    print(f"  {'reached' if is_reached else 'MISSED '}  {name}: {found}")
    return is_reached
