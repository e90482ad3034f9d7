"""One `make up` per data folder: a locked file that holds the id of the running one."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO, Self


class AlreadyRunningError(Exception):
    """Another `make up` uses the same data folder."""


class RunLock:
    """Held while `make up` runs; the system lets go of it however that ends."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "run" / "up.pid"
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises AlreadyRunningError."""
        for folder in (self._path.parent.parent, self._path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise AlreadyRunningError(
                f"it runs already (process {self.holder()}); `make down` stops it"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()

    def holder(self) -> int | None:
        """The process that holds the lock, if one does."""
        with contextlib.suppress(FileNotFoundError), self._path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdecimal() else None
        return None
