"""The benchmarks' goals, and how their results are printed."""

import statistics
from collections.abc import Mapping, Sequence

from bench_load import Result

#: Of what plain nginx does in the same run: rates, and CPU per request (its upstream included).
#: Absolute numbers differ by a factor of three between machines that are called the same.
GOAL_SHARE_OF_NGINX = 0.025
GOAL_TIMES_NGINX_CPU = 40.0
#: Of its own rate at 32 fast connections: waiting for a slow upstream costs next to nothing.
GOAL_SLOW_SHARE = 0.9
#: What 256 connections at 100 ms leave room for, less a margin: no machine need do better.
GOAL_SLOW_RATE = 2_000.0
GOAL_GROWTH_MB = 32.0


def median(results: Sequence[Result]) -> Result:
    """The median of each number on its own."""
    return Result(
        rate=statistics.median(one.rate for one in results),
        p50_ms=statistics.median(one.p50_ms for one in results),
        p99_ms=statistics.median(one.p99_ms for one in results),
        errors=sum(one.errors for one in results),
        cpu_us=statistics.median(one.cpu_us for one in results),
    )


def print_rounds(rounds: Mapping[str, Sequence[Result]]) -> None:
    """Medians, and how far the rounds of each were apart: the machine's noise in this run."""
    print("\n32 connections, POST of 216 bytes, answer of 1.1 KB; medians of the rounds")
    for name, results in rounds.items():
        rates = [one.rate for one in results]
        spread = (max(rates) - min(rates)) / statistics.median(rates)
        print(f"  {name:12} {median(results)}   (rounds differ by {spread:.0%})")


def print_goals(
    rounds: Mapping[str, Sequence[Result]], slow: Mapping[str, tuple[Result, float]]
) -> int:
    """Each goal with what was measured; the exit status."""
    print("\nGoals")
    nginx = median(rounds["nginx"])
    shapes = {name: median(results) for name, results in rounds.items() if name != "nginx"}
    reached = [
        check
        for name, found in shapes.items()
        for check in (*_fast(name, found, nginx), *_slow(name, found, *slow[name]))
    ]
    return 0 if all(reached) else 1


def _fast(name: str, found: Result, nginx: Result) -> tuple[bool, ...]:
    share, times = found.rate / nginx.rate, found.cpu_us / nginx.cpu_us
    return (
        goal(
            f"{name}: share of plain nginx",
            share >= GOAL_SHARE_OF_NGINX,
            f"{share:.1%} (≥ {GOAL_SHARE_OF_NGINX:.1%})",
        ),
        goal(
            f"{name}: CPU of plain nginx, database included",
            times <= GOAL_TIMES_NGINX_CPU,
            f"{times:.0f} times (≤ {GOAL_TIMES_NGINX_CPU:.0f})",
        ),
        goal(f"{name}: no errors", found.errors == 0, str(found.errors)),
    )


def _slow(name: str, fast: Result, found: Result, growth_mb: float) -> tuple[bool, ...]:
    wanted = min(GOAL_SLOW_SHARE * fast.rate, GOAL_SLOW_RATE)
    return (
        goal(
            f"{name}: 256 connections, upstream of 100 ms",
            found.rate >= wanted,
            f"{found.rate:,.0f} req/s (≥ {wanted:,.0f}), p99 {found.p99_ms:.0f} ms",
        ),
        goal(
            f"{name}: memory flat at 256 connections",
            growth_mb <= GOAL_GROWTH_MB,
            f"{growth_mb:+.1f} MB",
        ),
    )


def goal(name: str, is_reached: bool, found: str) -> bool:
    """Print what was found; whether the goal was reached."""
    print(f"  {'reached' if is_reached else 'MISSED '}  {name}: {found}")
    return is_reached
