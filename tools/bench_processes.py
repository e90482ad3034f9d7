"""CPU time and memory of what is measured: an installation's processes, and its database's."""

from collections.abc import Iterable, Iterator

import psutil
from stack import Stack

#: PostgreSQL's own processes that write for all.
_SHARED = ("walwriter", "checkpointer", "background writer")


def service_cpu_s(stack: Stack, service: str) -> float:
    """CPU seconds of a service's processes, their children included."""
    return sum(tree_cpu_s(pid) for pid in _pids(stack, service))


def gateway_memory_bytes(stack: Stack, service: str) -> int:
    """What the processes that serve calls hold for themselves."""
    pids = stack.pids()
    serving = pids.get(f"{service}-gateway", pids[service])
    return sum(one.memory_full_info().uss for one in _trees([serving]))


def postgres_cpu_s(database: str) -> float:
    """CPU seconds of PostgreSQL for one database: its connections' processes, and the writers."""
    total = 0.0
    for process in psutil.process_iter(["name", "cmdline", "cpu_times"]):
        title, times = " ".join(process.info["cmdline"] or ()), process.info["cpu_times"]
        is_meant = any(word in title for word in (f" {database} ", *_SHARED))
        if process.info["name"] == "postgres" and is_meant and times is not None:
            total += times.user + times.system
    return total


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children, alive ones."""
    times = [one.cpu_times() for one in _trees([pid])]
    return float(sum(one.user + one.system for one in times))


def _pids(stack: Stack, service: str) -> list[int]:
    names = {service, f"{service}-gateway", f"{service}-worker"}
    return [pid for name, pid in stack.pids().items() if name in names]


def _trees(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for parent in map(psutil.Process, pids):
        yield parent
        yield from parent.children(recursive=True)
