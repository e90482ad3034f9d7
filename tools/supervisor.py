"""The processes of a Procfile, kept running together."""

import os
import signal
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from forked_process import ForkServer
from kept_process import KeptProcess
from log_files import LogFiles
from process_states import ProcessStates
from procfile import Program

#: How long a process that is replaced may finish what is in hand.
DRAIN_S = 40.0
#: How many lines of a process are remembered.
LAST_LINES = 12
_COLOURS = (36, 33, 32, 35, 34, 31)


class Output:
    """Lines of several processes on one stream, each after its process's name."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        width = max(map(len, names), default=0)
        coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._prefixes = {
            name: _prefix(name.ljust(width), _COLOURS[index % len(_COLOURS)] if coloured else None)
            for index, name in enumerate(names)
        }

    def say(self, name: str, line: str) -> None:
        """Write one line; a reader that has gone away is no reason to stop."""
        with self._lock:
            try:
                self._stream.write(f"{self._prefixes[name]} {line}\n")
                self._stream.flush()
            except (OSError, ValueError):
                pass


def _prefix(name: str, colour: int | None) -> str:
    return f"{name} |" if colour is None else f"\x1b[{colour}m{name} |\x1b[0m"


class Supervisor:
    """Starts all programs, starts again what dies, and stops all."""

    def __init__(
        self,
        programs: Sequence[Program],
        environ: Mapping[str, str],
        *,
        cwd: Path,
        out: TextIO | LogFiles,
        states: ProcessStates,
        grace_s: float = 10.0,
        forks: ForkServer | None = None,
    ) -> None:
        names = [program.name for program in programs]
        self._output = out if isinstance(out, LogFiles) else Output(out, names)
        self._last_lines = {name: deque[str](maxlen=LAST_LINES) for name in names}
        self._grace_s = grace_s
        self._processes = {
            program.name: KeptProcess(program, environ, cwd, self._say, states, forks)
            for program in programs
        }

    def start(self) -> None:
        """Start all, in the order of the Procfile."""
        for process in self._processes.values():
            process.start()

    def stop(self) -> None:
        """Stop all: first the last one, which is the front, so that the others can drain."""
        processes = list(self._processes.values())
        for together in (processes[-1:], processes[:-1]):
            for process in together:
                process.ask_to_stop()
            for process in together:
                process.wait_stopped(self._grace_s)

    def pids(self) -> dict[str, int]:
        """The ids of the processes that run now, by name."""
        found = ((name, process.pid) for name, process in self._processes.items())
        return {name: pid for name, pid in found if pid is not None}

    def ends(self) -> dict[str, int]:
        """How often each process has ended without having been asked to."""
        return {name: process.ends for name, process in self._processes.items()}

    def last_lines(self, name: str) -> list[str]:
        """What a process wrote last."""
        return list(self._last_lines[name])

    def started_lately(self, ran_s: float) -> list[str]:
        """The processes that have not run for `ran_s` without a break."""
        return [name for name, process in self._processes.items() if process.ran_s < ran_s]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one process; if it dies of it, it starts again."""
        self._processes[name].send(number)

    def stop_process(self, name: str, number: int = signal.SIGTERM) -> None:
        """Stop one process (SIGKILL: without notice) until `start_process`."""
        self._processes[name].ask_to_stop(number)
        self._processes[name].wait_stopped(self._grace_s)

    def restart_process(self, name: str) -> None:
        """Replace one process; who connects to it meanwhile waits."""
        self._processes[name].restart(max(self._grace_s, DRAIN_S))

    def start_process(self, name: str) -> None:
        """Start a stopped process again."""
        self._processes[name].start()

    def _say(self, name: str, line: str) -> None:
        self._last_lines[name].append(line)
        self._output.say(name, line)
