"""The benchmarks' goals, and how their results are printed."""

import statistics
from collections.abc import Mapping, Sequence

from bench_load import Result

#: Of what plain nginx does in the same run.
GOAL_SHARE_OF_NGINX = 0.025
GOAL_CPU_US = 700.0
GOAL_SLOW_RATE = 1_500.0
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
    ceiling = median(rounds["nginx"]).rate
    reached = []
    print("\nGoals")
    for name, results in rounds.items():
        if name == "nginx":
            continue
        found = median(results)
        share = found.rate / ceiling
        reached.append(
            _goal(
                f"{name}: share of plain nginx",
                share >= GOAL_SHARE_OF_NGINX,
                f"{share:.1%} (≥ 2.5 %)",
            )
        )
        reached.append(
            _goal(
                f"{name}: CPU, database included",
                found.cpu_us <= GOAL_CPU_US,
                f"{found.cpu_us:.0f} µs (≤ 700)",
            )
        )
        reached.append(_goal(f"{name}: no errors", found.errors == 0, str(found.errors)))
    for name, (result, growth_mb) in slow.items():
        reached.append(
            _goal(
                f"{name}: 256 connections, upstream of 100 ms",
                result.rate >= GOAL_SLOW_RATE,
                f"{result.rate:,.0f} req/s (≥ 1,500), p99 {result.p99_ms:.0f} ms",
            )
        )
        reached.append(
            _goal(
                f"{name}: memory flat at 256 connections",
                growth_mb <= GOAL_GROWTH_MB,
                f"{growth_mb:+.1f} MB",
            )
        )
    return 0 if all(reached) else 1


def _goal(name: str, is_reached: bool, found: str) -> bool:
    print(f"  {'reached' if is_reached else 'MISSED '}  {name}: {found}")
    return is_reached
