"""The installations that benchmarks load: one over SQLite, one over PostgreSQL."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench_database import postgres_database
from bench_load import Result, load
from bench_processes import gateway_memory_bytes, postgres_cpu_s, service_cpu_s
from stack import Stack

NAMES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Shape:
    """Kiungo over one database, and how to load it."""

    name: str
    stack: Stack
    folder: Path
    #: PostgreSQL's name of it; none: SQLite.
    database: str | None

    @property
    def headers(self) -> dict[str, str]:
        """The demonstration client's credentials."""
        return {
            "Content-Type": "application/json",
            "X-Client-Id": self.stack.demo_client_id,
            "X-Client-Secret": self.stack.installation.demo_client_secret,
        }

    def cpu_s(self) -> float:
        """CPU of the proxy's processes and, where it is one, the database's."""
        database = postgres_cpu_s(self.database) if self.database else 0.0
        return service_cpu_s(self.stack, "proxy") + database

    def memory_bytes(self) -> int:
        """What the gateway holds."""
        return gateway_memory_bytes(self.stack, "proxy")

    def measure(self, path: str, connections: int, seconds: int) -> Result:
        """One run of load through nginx."""
        return load(
            self.stack.url + path,
            self.headers,
            connections=connections,
            seconds=seconds,
            cpu_s=self.cpu_s,
            script_dir=self.folder,
        )


def shapes(
    opened: ExitStack, folder: Path, upstream_port: int, *, only: str | None = None
) -> list[Shape]:
    """Running installations whose demonstration channel leads to our upstream."""
    found = []
    if only in (None, "SQLite"):
        stack = _stack(opened, folder / "sqlite", {}, upstream_port)
        found.append(Shape("SQLite", stack, folder, None))
    url = opened.enter_context(postgres_database()) if only in (None, "PostgreSQL") else None
    if url is not None:
        stack = _stack(opened, folder / "postgres", {"DATABASE_URL": url}, upstream_port)
        found.append(Shape("PostgreSQL", stack, folder, url.rpartition("/")[2]))
    return found


def _stack(opened: ExitStack, var_dir: Path, environ: dict[str, str], upstream_port: int) -> Stack:
    out = opened.enter_context(var_dir.with_suffix(".log").open("w"))
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
