"""What tests do to processes: stop them for a while, start another one beside them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from hub import Hub


def tree(pid: int) -> list[int]:
    """A process and its children."""
    parent = psutil.Process(pid)
    return [pid, *(child.pid for child in parent.children(recursive=True))]


def writers(hub: Hub) -> list[int]:
    """The processes that write into SQLite for the gateway's."""
    return [pid for pid in tree(hub.stack.pids()[hub.gateway]) if _is_writer(pid)]


def _is_writer(pid: int) -> bool:
    return any(one.endswith("sqlite_process.py") for one in psutil.Process(pid).cmdline())


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and its children stand still within, as on a machine that swaps or is moved."""
    pids = tree(pid)
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@contextmanager
def another_worker(hub: Hub, app: str) -> Iterator[None]:
    """A further worker of a running system."""
    installation = hub.stack.installation
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", app, "worker"],
        env=installation.environ,
        cwd=installation.cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()
