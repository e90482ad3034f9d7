"""A worker's signs of life: it has no port that a probe could ask, so it touches a file.

The loop that does the work touches it, not a thread beside it: a worker that stands still is seen.
"""

import asyncio
import time
from pathlib import Path
from typing import NoReturn

import click

#: Of each service's `worker` command, for probes.
check_option = click.option(
    "--check", is_flag=True, help="Say whether the worker that runs here lives, and end."
)
#: How often an event loop touches the file; a loop of threads does with each turn.
BEAT_EVERY_S = 2.0
#: A worker that gave no sign for so long stands still.
SILENT_AFTER_S = 60.0


class Heartbeat:
    """The file `path`, touched at each beat; its folder is made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.beat()

    def beat(self) -> None:
        """The worker goes on."""
        self._path.touch()

    async def keep_beating(self) -> None:
        """Beat until cancelled: as long as the event loop turns."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_EVERY_S)


def check(path: Path) -> NoReturn:
    """End this process as a probe: 0 if the worker that beats at `path` lives, else 1 and why."""
    try:
        silent_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        raise click.ClickException("No worker has started here") from None
    if silent_s > SILENT_AFTER_S:
        raise click.ClickException(f"The worker has given no sign of life for {silent_s:.0f} s")
    raise SystemExit(0)
