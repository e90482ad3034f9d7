"""Kiungo in its embedded shape, as `make up` and the end-to-end tests start it.

with Stack.beside_others(tmp_path, {"LOG_LEVEL": "DEBUG"}) as stack:
    requests.get(f"{stack.url}/health/", timeout=5)
    stack.kill("proxy-worker")          # SIGKILL; it starts again
"""

import contextlib
import os
import re
import resource
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import demo_transports
from connections import counted_connections
from forked_process import ForkServer
from installation import ROOT, Installation, StackError
from log_files import LogFiles
from ports import (
    LOOPBACK,
    chosen_ports,
    free_ports,
    openhim_port,
    taken_ports,
    unused_ports,
)
from process_states import ProcessStates
from procfile import port_variables, read_procfile
from supervisor import Supervisor

__all__ = ["Stack", "StackError"]

DEMO_PATH = "/demo/echo"
DEMO_BODY = '{"hello":"world"}'

#: How the processes stand, below the data folder; the proxy's health page reads it.
PROCESS_STATES = Path("run") / "processes.json"
READY_TIMEOUT_S = 60.0
POLL_S = 0.1
#: A process that ended this often while it is waited for will not start.
HOPELESS_ENDS = 3
#: A process that has run for so long has loaded its code and read its settings.
STANDS_S = 2.0
OPEN_FILES = 65_536


class Stack:
    """One installation and its running processes.

    `installation` holds its data, ports and secrets; `pids`, `kill`, `stop_process` and
    `start_process` are the supervisor's.
    """

    def __init__(
        self,
        var_dir: Path,
        environ: Mapping[str, str] | None = None,
        *,
        procfile: Path = ROOT / "Procfile",
        cwd: Path | None = None,
        out: TextIO | LogFiles = sys.stdout,
        grace_s: float = 10.0,
        forks: ForkServer | None = None,
    ) -> None:
        """`environ` is the whole environment (default: this process's); nothing is started yet.

        `cwd` (default: the data folder) is where processes look for `.env.local`; `out` is where
        their lines go; `forks`, for tests, starts processes without loading their libraries anew.
        Raises StackError for a bad port.
        """
        environ = dict(os.environ if environ is None else environ)
        self.demo = environ.get("DEMO", "1").lower() not in {"0", "false", "no", "off"}
        #: Whether what notification sends stays on this machine.
        self.has_demo_transports = self.demo and demo_transports.are_in_use(environ)
        programs = read_procfile(procfile)
        if not self.demo:
            programs = [program for program in programs if not program.name.startswith("demo-")]
        try:
            ports = chosen_ports(environ)
            if (openhims := openhim_port(environ)) is not None:
                ports["OPENHIM_API_PORT"] = openhims
        except ValueError as exc:
            raise StackError(str(exc)) from exc
        self.installation = Installation(
            var_dir, environ, programs=programs, ports=ports, cwd=cwd, forks=forks
        )
        self._supervisor = Supervisor(
            programs,
            self.installation.environ,
            cwd=self.installation.cwd,
            out=out,
            states=ProcessStates(self.installation.var_dir / PROCESS_STATES),
            grace_s=grace_s,
            forks=forks,
        )
        self.flask = self.installation.flask
        self.pids = self._supervisor.pids
        self.kill = self._supervisor.kill
        self.stop_process = self._supervisor.stop_process
        self.start_process = self._supervisor.start_process

    @classmethod
    def beside_others(
        cls,
        var_dir: Path,
        environ: Mapping[str, str] | None = None,
        *,
        procfile: Path = ROOT / "Procfile",
        out: TextIO = sys.stdout,
        forks: ForkServer | None = None,
    ) -> Self:
        """A stack on free ports; `environ` is added to this process's environment."""
        whole = {**os.environ, **free_ports(), **(environ or {})}
        return cls(var_dir, whole, procfile=procfile, out=out, forks=forks)

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def demo_client_id(self) -> str:
        """The client of the example call."""
        return self.installation.environ.get("DEMO_SEED_CLIENT_PREFIX") or "demo"

    @property
    def has_example(self) -> bool:
        """Whether the example call can succeed: our own demonstration data, channels in use."""
        environ = self.installation.environ
        own = not any(re.fullmatch("DEMO_SEED_.*_JSON", name) for name in environ)
        answers = any(one.name == "demo-mediator" for one in self.installation.programs)
        return self.demo and own and answers and environ.get("MEDIATOR_MODE") != "pure_esb"

    @property
    def url(self) -> str:
        """The one address, without a final slash."""
        return self.installation.url

    def up(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Check the ports, prepare the data, start all and wait. Raises StackError."""
        self.check_ports()
        _ = self.database_connections
        self.installation.prepare(demo=self.demo)
        self.installation.write_address()
        self.start()
        self.wait_ready(timeout_s)

    @property
    def database_connections(self) -> int:
        """How many PostgreSQL connections its processes take at most; 0: it has SQLite.

        Raises StackError where that is more than `DB_CONNECTIONS_MAX`.
        """
        try:
            return counted_connections(self.installation.programs, self.installation.environ)
        except ValueError as exc:
            raise StackError(str(exc)) from exc

    def check_ports(self) -> None:
        """Raises StackError that names the taken ports and one command that starts all the same."""
        variables = [*port_variables(self.installation.programs), "NGINX_PORT"]
        if self.installation.has_tls:
            variables.append("NGINX_TLS_PORT")
        if self.installation.openhim_url is not None:
            variables.append("OPENHIM_API_PORT")
        taken = taken_ports(self.installation.ports, dict.fromkeys(variables))
        if taken:
            others = zip(taken, unused_ports(len(taken)), strict=True)
            changed = " ".join(f"{variable}={port}" for variable, port in others)
            raise StackError(
                f"{'; '.join(taken.values())}.\nThis starts it beside what is there:\n\n"
                f"  make up {changed}\n\nor, with ports that it finds itself: make up PORTS=auto"
            )

    def start(self) -> None:
        """Start all processes; does not wait."""
        _allow_open_files(OPEN_FILES)
        self._supervisor.start()

    def stop(self) -> None:
        """Stop all processes and their children."""
        self._supervisor.stop()

    def restart(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Prepare what changed code may need, then replace one process after the other.

        nginx runs on, and web processes keep their listening sockets: nobody is refused.
        """
        self.installation.prepare(demo=self.demo)
        for program in self.installation.programs:
            if program.name == "nginx":
                continue
            self._supervisor.restart_process(program.name)
            variables = port_variables([program]) if "gunicorn" in program.command else []
            if variables:
                port = self.installation.ports[variables[0]]
                deadline = time.monotonic() + timeout_s
                self._wait_for(urllib.request.Request(f"http://{LOOPBACK}:{port}/livez"), deadline)
        self._reload_nginx()
        self.wait_ready(timeout_s)

    def _reload_nginx(self) -> None:
        pid_file = self.installation.var_dir / "run" / "nginx" / "nginx.pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGHUP)

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait for `/health/`, the relay's gateway, with demonstration data the example call, and
        until every process stands.

        Raises StackError.
        """
        deadline = time.monotonic() + timeout_s
        self._wait_for(urllib.request.Request(f"{self.url}/health/"), deadline)
        if any(one.name == "esb-relay-gateway" for one in self.installation.programs):
            port = self.installation.ports["ESB_RELAY_GATEWAY_PORT"]
            self._wait_for(urllib.request.Request(f"http://{LOOPBACK}:{port}/readyz"), deadline)
        if self.has_example:
            self._wait_for(self.example_request(), deadline)
        while waited := self._supervisor.started_lately(STANDS_S):
            self._check_hope(f"just started: {', '.join(waited)}", deadline)

    def example_request(self) -> urllib.request.Request:
        """The call that `make up` prints."""
        headers = {
            "X-Client-Id": self.demo_client_id,
            "X-Client-Secret": self.installation.demo_client_secret,
            "Content-Type": "application/json",
        }
        return urllib.request.Request(
            f"{self.url}{DEMO_PATH}", data=DEMO_BODY.encode(), headers=headers, method="POST"
        )

    def _trusted(self) -> ssl.SSLContext:
        """What shows that nginx is ours: our authority's certificate, or the one it was given."""
        given = self.installation.environ.get("KIUNGO_TLS_CERT")
        trusted = ssl.create_default_context(cafile=self.installation.authority or given)
        # The certificate that was given is for another name than the one asked for here.
        trusted.check_hostname = given is None
        return trusted

    def _wait_for(self, request: urllib.request.Request, deadline: float) -> None:
        while (outcome := _ask(request, self._trusted())) is not None:
            self._check_hope(f"{request.full_url} does not answer yet: {outcome}", deadline)

    def _check_hope(self, waited_for: str, deadline: float) -> None:
        """Go on waiting for a moment. Raises StackError where that is in vain."""
        ends = self._supervisor.ends()
        hopeless = [name for name, count in ends.items() if count >= HOPELESS_ENDS]
        if hopeless:
            words = "\n".join(self._supervisor.last_lines(hopeless[0]))
            raise StackError(f"{', '.join(hopeless)} keeps ending:\n{words}")
        if time.monotonic() > deadline:
            raise StackError(waited_for)
        time.sleep(POLL_S)


def _ask(request: urllib.request.Request, trusted: ssl.SSLContext) -> str | None:
    """None when the answer is a success, else what came instead."""
    # Loopback is never asked through a proxy that the environment names.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
    )
    try:
        with opener.open(request, timeout=5):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as exc:
        return str(exc)


def _allow_open_files(wanted: int) -> None:
    """Raise the soft limit: nginx and the proxy hold two sockets per call."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
