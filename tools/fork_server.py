"""`python fork_server.py SOCKET PARENT MODULE …`: load modules, then become processes by forking.

A request is a JSON text `{"command", "environ", "cwd"}` with three file descriptors: where the
process writes, where its id and then how it ended are reported, and a listening socket (or the null
device). Ends when the other side of the SOCKET does, and its processes with it.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import shlex
import signal
import socket
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
#: Where modules are looked for was said when this process began.
_PATH = os.environ.get("PYTHONPATH")
MOST_BYTES = 1 << 20


def preload(modules: list[str]) -> None:
    """Load all; children share the memory, as nothing writes to it."""
    gc.disable()
    for name in modules:
        importlib.import_module(name)
    if "sqlalchemy.orm" in sys.modules:
        sys.modules["sqlalchemy.orm"].configure_mappers()
    gc.freeze()
    gc.enable()


class Server:
    """Forks, and reports how what it forked has ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._reports: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(requests, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any] | None:
        """Until there is nobody left to serve (None); in a child: what it shall become."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._requests:
                    job = self._take()
                    if job is None or job["is_child"]:
                        return job
                else:
                    self._report(int(key.fd), int(key.data))

    def _take(self) -> dict[str, Any] | None:
        text, passed, _, _ = socket.recv_fds(self._requests, MOST_BYTES, 3)
        if not text:
            return None
        output, report, listener = passed
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            self._requests.close()
            for other in self._reports.values():
                os.close(other)
            os.close(report)
            return {**json.loads(text), "is_child": True, "output": output, "listener": listener}
        os.close(output)
        os.close(listener)
        os.write(report, f"{pid}\n".encode())
        self._reports[pid] = report
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
        return {"is_child": False}

    def _report(self, pidfd: int, pid: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        report = self._reports.pop(pid)
        try:
            os.write(report, f"{code}\n".encode())
        except BrokenPipeError:
            pass
        finally:
            os.close(report)


def become(job: dict[str, Any], parent: int) -> None:
    """Be a process of its own, with the environment and files of the request; then run it."""
    os.setsid()
    _end_with(parent)
    null = os.open(os.devnull, os.O_RDONLY)
    wanted = ((null, 0), (job["output"], 1), (job["output"], 2), (job["listener"], 3))
    moved = [(os.dup(source), target) for source, target in wanted]
    for source, target in moved:
        os.dup2(source, target)
    os.closerange(4, 256)
    os.environ.clear()
    os.environ.update(job["environ"])
    time.tzset()
    os.chdir(job["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _run(_words(job["command"]), job["command"])


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)  # it ended before


def _words(command: str) -> list[str]:
    """The command's words, as a shell has them; those before the program set variables."""
    words = [os.path.expandvars(word) for word in shlex.split(command)]
    if words[0] == "env":
        words.pop(0)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            os.environ[name] = value
    return words


def _run(words: list[str], command: str) -> None:
    """In this process where that is a program of Python's, else in its place."""
    program, *arguments = words
    if os.environ.get("LISTEN_FDS"):
        os.environ["LISTEN_PID"] = str(os.getpid())
    sys.argv = [program, *arguments]
    if os.environ.get("PYTHONPATH") != _PATH:
        _replaced_by(command)
    elif program == "flask":
        importlib.import_module("flask.cli").main()
    elif program == "gunicorn":
        importlib.import_module("gunicorn.app.wsgiapp").run()
    elif os.path.basename(program).startswith("python") and arguments[:1] != ["-m"]:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(arguments[0]))
        runpy.run_path(arguments[0], run_name="__main__")
    else:
        _replaced_by(command)


def _replaced_by(command: str) -> None:
    # Python ignores these for itself; the command shall find the usual behaviour.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    os.execv("/bin/sh", ["sh", "-c", f"exec {command}"])  # noqa: S606 - a shell, on purpose


def main(descriptor: int, parent: int, modules: list[str]) -> None:
    """Serve, then end; or be what was asked for."""
    _end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started all of this
    preload(modules)
    sys.path.pop(0)  # this folder: what is forked does not have it, either
    own = os.getpid()
    job = Server(socket.socket(fileno=descriptor)).serve()
    if job is not None:
        become(job, own)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
