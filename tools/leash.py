"""`python leash.py PARENT COMMAND`: become COMMAND, and end when PARENT does, however that ends.

Without it a SIGKILL of `make up` would leave its processes behind. Only Linux has the leash.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: str) -> None:
    """Put the leash on this process and replace it by a shell's `exec command`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)  # the parent ended before the leash was on
    if passed := os.environ.pop("PASSED_LISTENER", ""):
        # As systemd passes sockets: the first one is 3, for the process of this id.
        os.dup2(int(passed), 3)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    # Python ignores these for itself; the command shall find the usual behaviour.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    os.execv("/bin/sh", ["sh", "-c", f"exec {command}"])  # noqa: S606 - a shell, on purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
