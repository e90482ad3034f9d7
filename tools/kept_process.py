"""One process that is kept running: started again when it dies, stopped with all its children."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from forked_process import ForkedProcess, ForkServer
from kept_listener import KeptListener
from process_states import ProcessStates
from procfile import Program

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
#: A process that ran this long has started well; the next delay is the first one again.
STARTED_WELL_S = 10.0
#: How long the last lines of an ended process are waited for.
OUTPUT_WAIT_S = 2.0
POLL_S = 0.02

_LEASH = Path(__file__).with_name("leash.py")

Say = Callable[[str, str], None]


def next_delay(delay_s: float, ran_s: float) -> float:
    """How long to wait before the next start, after a wait of `delay_s` and a run of `ran_s`."""
    return FIRST_DELAY_S if ran_s >= STARTED_WELL_S else min(delay_s * 2, LONGEST_DELAY_S)


class KeptProcess:
    """A program, its process of the moment, and the thread that starts it again.

    The process leads its own group, so that Ctrl-C reaches only us, and so that what a killed
    leader leaves behind can be ended before its successor starts.
    """

    def __init__(
        self,
        program: Program,
        environ: Mapping[str, str],
        cwd: Path,
        say: Say,
        states: ProcessStates,
        forks: ForkServer | None = None,
    ) -> None:
        self.program = program
        self._forks = forks
        self._states = states
        self._listener = KeptListener(program, environ)
        self._restarting = threading.Event()
        self.ends = 0
        self._environ = dict(environ)
        self._cwd = cwd
        self._say = say
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._began = time.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process, if there is one."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def ran_s(self) -> float:
        """For how long it has run now; nothing where it does not run."""
        return time.monotonic() - self._began if self.pid is not None else 0.0

    def start(self) -> None:
        """Start it, if it is not kept running already; returns when the first process exists."""
        if self._thread is not None:
            return
        self._stopping.clear()
        spawned = threading.Event()
        self._thread = threading.Thread(
            target=self._keep, args=(spawned,), name=self.program.name, daemon=True
        )
        self._thread.start()
        spawned.wait()

    def send(self, number: int) -> None:
        """Send a signal to the process, not to its children. Raises ProcessLookupError."""
        process = self._process
        if process is None or process.poll() is not None:
            raise ProcessLookupError(f"{self.program.name} is not running")
        process.send_signal(number)

    def ask_to_stop(self, number: int = signal.SIGTERM) -> None:
        """Send the signal and start no other process; returns at once."""
        self._stopping.set()
        self._listener.close()
        with contextlib.suppress(ProcessLookupError):
            self.send(number)

    def wait_stopped(self, grace_s: float) -> None:
        """Wait until it has ended after `ask_to_stop`; what is left after `grace_s` is killed."""
        if self._thread is None:
            return
        self._thread.join(grace_s)
        if self._thread.is_alive():
            self._say(self.program.name, f"did not stop within {grace_s:g} s: killed")
            with contextlib.suppress(ProcessLookupError):
                self.send(signal.SIGKILL)
            self._thread.join()
        self._thread = None

    def restart(self, grace_s: float) -> None:
        """Replace the process by a new one on the same listening socket; returns once it runs."""
        former = self._process
        self._restarting.set()
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while self._process is former or self.pid is None:
            if time.monotonic() > deadline and self._process is former:
                self._say(self.program.name, f"did not stop within {grace_s:g} s: killed")
                deadline = float("inf")
                with contextlib.suppress(ProcessLookupError):
                    self.send(signal.SIGKILL)
            time.sleep(POLL_S)

    def _keep(self, spawned: threading.Event) -> None:
        """Start, wait, start again: all in one thread, because the leash is tied to it."""
        delay_s = FIRST_DELAY_S / 2
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run_once(spawned)
            if self._restarting.is_set() and not self._stopping.is_set():
                self._restarting.clear()
                continue
            self._listener.close()
            if self._stopping.is_set():
                return
            self.ends += 1
            delay_s = next_delay(delay_s, time.monotonic() - began)
            self._states.ended(self.program.name, code, self.ends, delay_s)
            self._say(self.program.name, f"ended with {code}; starts again in {delay_s:g} s")
            self._stopping.wait(delay_s)

    def _run_once(self, spawned: threading.Event) -> int:
        process = self._new_process(self._opened())
        self._process, self._began = process, time.monotonic()
        self._states.began(self.program.name)
        spawned.set()
        if self._stopping.is_set():  # asked to stop while it was being started
            process.terminate()
        reader = threading.Thread(target=self._pass_on_output, args=(process,), daemon=True)
        reader.start()
        code = process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        reader.join(OUTPUT_WAIT_S)
        return code

    def _new_process(self, listener: int | None) -> subprocess.Popen[bytes] | ForkedProcess:
        if self._forks is not None:
            return self._forks.start(self.program.command, self._environ, self._cwd, listener)
        passed = {} if listener is None else {"PASSED_LISTENER": str(listener)}
        return subprocess.Popen(
            [sys.executable, "-IS", str(_LEASH), str(os.getpid()), self.program.command],
            env={**self._environ, **passed},
            pass_fds=() if listener is None else (listener,),
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _opened(self) -> int | None:
        """The listening socket; where its port is taken the process itself shall say so."""
        try:
            return self._listener.open()
        except OSError:
            return None

    def _pass_on_output(self, process: subprocess.Popen[bytes] | ForkedProcess) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._say(self.program.name, line.decode(errors="replace").rstrip("\n"))
