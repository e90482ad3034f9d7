"""`make down`, `logs`, `reset` and `rebuild`: what is done to an installation from outside."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from common.settings import process_environment
from installation import ROOT
from run_lock import RunLock

DOWN_TIMEOUT_S = 60.0


def main(act: str) -> int:
    """Do `act`; returns the exit status."""
    var_dir = ROOT / process_environment(ROOT / ".env.local").get("VAR_DIR", "var")
    return {"down": down, "logs": logs, "reset": reset, "restart": restart}[act](var_dir)


def down(var_dir: Path) -> int:
    """Stop a running `make up` and wait until it has stopped."""
    lock = RunLock(var_dir)
    holder = lock.holder()
    if holder is None:
        print("Kiungo is not running here.")
        return 0
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_TIMEOUT_S
    while lock.holder() is not None:
        if time.monotonic() > deadline:
            print(f"Process {holder} does not stop.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Stopped.")
    return 0


def logs(var_dir: Path) -> int:
    """Follow what the processes write, or one of them (`NAME=proxy-gateway`)."""
    files = sorted((var_dir / "log").glob(f"{os.environ.get('NAME', '*')}.log"))
    if not files:
        print("There are no logs; `make up` writes them.", file=sys.stderr)
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(["tail", "-n", "20", "-F", *files], check=False)
    return 0


def restart(var_dir: Path) -> int:
    """Tell a running `make up` to start its processes anew."""
    holder = RunLock(var_dir).holder()
    if holder is None:
        print("The environment is new. Kiungo is not running here; `make up` starts it.")
        return 0
    os.kill(holder, signal.SIGUSR1)
    print("The environment is new; the running processes are being restarted.")
    return 0


def reset(var_dir: Path) -> int:
    """Delete the data folder, after asking (`YES=1` answers)."""
    if RunLock(var_dir).holder() is not None:
        print("Kiungo is running; `make down` first.", file=sys.stderr)
        return 1
    if not var_dir.exists():
        print("There is no data.")
        return 0
    if not (var_dir / "run").is_dir():
        print(f"{var_dir} does not look like Kiungo's data; nothing was deleted.", file=sys.stderr)
        return 1
    if os.environ.get("YES") != "1" and not _agreed(var_dir):
        print("Nothing was deleted.")
        return 1
    shutil.rmtree(var_dir)
    print(f"Deleted {var_dir}.")
    return 0


def _agreed(var_dir: Path) -> bool:
    question = f"Delete {var_dir} with its databases, keys and passwords? Type yes: "
    try:
        return input(question).strip().lower() == "yes"
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
