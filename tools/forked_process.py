"""Processes that are forked from one that has loaded their libraries: for tests, which start many.

with ForkServer() as forks:
    process = forks.start("flask --app proxy worker", environ, cwd)
    process.wait()

A process is what its command starts, but for its name in lists of processes; `make up`, and the
tests of how it starts and supervises, use the commands themselves.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

#: What is loaded before: nothing that reads the environment, or where it is, while it is loaded:
#: neither gunicorn nor prometheus_client.
PRELOADED = (
    *("alembic.command", "apispec.ext.marshmallow", "asyncpg", "babel.support", "brotli"),
    *("cryptography.hazmat.primitives.serialization.pkcs12", "css_inline", "dkim"),
    *("flask.cli", "flask_migrate.cli", "flask_smorest", "httptools", "idna", "jsonschema_rs"),
    *("jwt", "kombu.transport.pyamqp", "markdown_it", "marshmallow", "msgspec", "phonenumbers"),
    *("psycopg.errors", "re2", "requests", "smpplib.client", "sqlalchemy.dialects.postgresql"),
    *("sqlalchemy.dialects.sqlite", "structlog", "tqdm", "uvloop", "webargs.flaskparser"),
    *("webauthn", "zxcvbn", "common.db.partitions", "common.jobs.broker", "common.http"),
    *("proxy.models", "esb_relay.models", "notification.models", "policy_notify.models"),
)

_SERVER = Path(__file__).with_name("fork_server.py")


class ForkedProcess:
    """As much of `subprocess.Popen` as a supervisor uses."""

    def __init__(self, stdout: int, report: int) -> None:
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self._report = os.fdopen(report, "rb")
        self._lock = threading.Lock()
        self.pid = int(self._report.readline())
        self.returncode: int | None = None

    def wait(self) -> int:
        """Its exit code, once it has ended; below zero: the signal that ended it."""
        with self._lock:
            if self.returncode is None:
                # Where the server ends first, it takes its processes with it.
                self.returncode = int(self._report.readline() or -signal.SIGTERM)
                self._report.close()
            return self.returncode

    def poll(self) -> int | None:
        """The same without waiting; None: nobody who waits has heard yet that it ended."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class ForkServer:
    """One process that forks; it ends with this one, and with it all that it forked."""

    def __init__(self, modules: Sequence[str] = PRELOADED) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket, self._lock = ours, threading.Lock()
        command = [sys.executable, str(_SERVER), str(theirs.fileno()), str(os.getpid()), *modules]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and what it forked."""
        self._socket.close()
        self._process.wait()

    def start(
        self, command: str, environ: Mapping[str, str], cwd: Path, listener: int | None = None
    ) -> ForkedProcess:
        """Start a Procfile's command. Raises OSError where the server is gone."""
        passed = {} if listener is None else {"LISTEN_FDS": "1"}
        asked = {"command": command, "environ": {**environ, **passed}, "cwd": str(cwd)}
        stdout, output = os.pipe()
        report, reported = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            sent = [output, reported, null if listener is None else listener]
            with self._lock:
                socket.send_fds(self._socket, [json.dumps(asked).encode()], sent)
        finally:
            for descriptor in (output, reported, null):
                os.close(descriptor)
        return ForkedProcess(stdout, report)

    def run(
        self, command: Sequence[str], environ: Mapping[str, str], cwd: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; what it says on standard error is in `stdout`, too."""
        process = self.start(shlex.join(command), environ, cwd)
        with process.stdout as said:
            words = said.read().decode(errors="replace")
        return subprocess.CompletedProcess(command, process.wait(), words, "")
