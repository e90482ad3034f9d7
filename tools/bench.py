"""`make bench`: Kiungo against plain nginx in front of the same upstream, in one run.

Machines are noisy: rounds alternate, medians are compared, and what counts are the ratios and the
CPU per request. Needs wrk; PostgreSQL is measured where TEST_POSTGRES (default: the local server's
superuser) is reachable. Goals are those of the README's section "How fast".
"""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import psycopg
from bench_load import (
    Result,
    load,
    named_cpu_s,
    tree_cpu_s,
    tree_memory_bytes,
    upstream,
    wrk_is_there,
)
from bench_report import print_goals, print_rounds
from ports import unused_ports
from stack import Stack

POSTGRES = "postgresql://postgres@127.0.0.1:5432"
ROUNDS = 3
SECONDS = 6
CONNECTIONS = 32
SLOW_CONNECTIONS = 256
SLOW_SECONDS = 10

Measure = Callable[[], Result]


@contextmanager
def postgres_database() -> Iterator[dict[str, str] | None]:
    """The environment of a database of this run's own; None when there is no server."""
    name = f"kiungo_bench_{uuid.uuid4().hex[:8]}"
    try:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as exc:
        print(f"PostgreSQL is not measured: {type(exc).__name__}")
        yield None
        return
    yield {"DATABASE_URL": f"{POSTGRES}/{name}"}
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Shape:
    """Kiungo over one database, and how to load it."""

    def __init__(self, name: str, stack: Stack, database_process: str | None) -> None:
        self.name = name
        self._stack = stack
        self._database_process = database_process

    @property
    def headers(self) -> dict[str, str]:
        """The demonstration client's credentials."""
        return {
            "Content-Type": "application/json",
            "X-Client-Id": self._stack.demo_client_id,
            "X-Client-Secret": self._stack.installation.demo_client_secret,
        }

    def cpu_s(self) -> float:
        """CPU of the proxy's web processes and, where it is one, the database's."""
        database = named_cpu_s(self._database_process) if self._database_process else 0.0
        return tree_cpu_s(self._stack.pids()["proxy"]) + database

    def memory_bytes(self) -> int:
        """What the proxy's web processes hold."""
        return tree_memory_bytes(self._stack.pids()["proxy"])

    def measure(self, folder: Path, path: str, connections: int, seconds: int) -> Result:
        """One run of load through nginx."""
        return load(
            self._stack.url + path,
            self.headers,
            connections=connections,
            seconds=seconds,
            cpu_s=self.cpu_s,
            script_dir=folder,
        )


def main() -> int:
    """Measure and print; 0 when every goal that could be measured was reached."""
    if not wrk_is_there():
        print("Skipped: wrk is not installed (Debian: apt-get install wrk).")
        return 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        upstream_port, plain_port = unused_ports(2)
        nginx = opened.enter_context(upstream(folder, upstream_port, plain_port))
        shapes = list(_shapes(opened, folder, upstream_port))

        def plain() -> Result:
            return load(
                f"http://127.0.0.1:{plain_port}/demo/x",
                shapes[0].headers,
                connections=CONNECTIONS,
                seconds=SECONDS,
                cpu_s=lambda: tree_cpu_s(nginx),
                script_dir=folder,
            )

        rounds = _alternate(plain, shapes, folder)
        print_rounds(rounds)
        slow = {shape.name: _slow(shape, folder) for shape in shapes}
        return print_goals(rounds, slow)


def _shapes(opened: ExitStack, folder: Path, upstream_port: int) -> Iterator[Shape]:
    out = opened.enter_context((folder / "output.log").open("w"))
    yield Shape("SQLite", _stack(opened, folder / "sqlite", {}, upstream_port, out), None)
    database = opened.enter_context(postgres_database())
    if database is not None:
        stack = _stack(opened, folder / "postgres", database, upstream_port, out)
        yield Shape("PostgreSQL", stack, "postgres")


def _stack(
    opened: ExitStack, var_dir: Path, environ: dict[str, str], upstream_port: int, out: TextIO
) -> Stack:
    """A running installation whose demonstration channel leads to our upstream."""
    quiet = {"MEDIATOR_HEARTBEAT_TIMEOUT": "86400", **environ}
    stack = opened.enter_context(Stack.beside_others(var_dir, quiet, out=out))
    stack.stop_process("demo-mediator")
    stack.flask(
        "proxy",
        "seed-demo",
        DEMO_MEDIATOR_PORT=str(upstream_port),
        DEMO_CLIENT_SECRET=stack.installation.demo_client_secret,
    )
    time.sleep(1)
    return stack


def _alternate(plain: Measure, shapes: list[Shape], folder: Path) -> dict[str, list[Result]]:
    rounds: dict[str, list[Result]] = {"nginx": [], **{shape.name: [] for shape in shapes}}
    for shape in shapes:
        shape.measure(folder, "/demo/x", CONNECTIONS, 2)  # warm
    for _ in range(ROUNDS):
        rounds["nginx"].append(plain())
        for shape in shapes:
            rounds[shape.name].append(shape.measure(folder, "/demo/x", CONNECTIONS, SECONDS))
    return rounds


def _slow(shape: Shape, folder: Path) -> tuple[Result, float]:
    """256 connections against an upstream that takes 100 ms, and the growth of memory in MB."""
    shape.measure(folder, "/demo/slow/x", SLOW_CONNECTIONS, 3)
    before = shape.memory_bytes()
    result = shape.measure(folder, "/demo/slow/x", SLOW_CONNECTIONS, SLOW_SECONDS)
    time.sleep(1)
    return result, (shape.memory_bytes() - before) / 1e6


if __name__ == "__main__":
    sys.exit(main())
