"""The lines of several processes in files, one for each, which are rotated."""

import logging
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

#: A file this large is put aside; so many are kept.
MAX_BYTES = 10_000_000
KEPT = 5


class LogFiles:
    """`<folder>/<name>.log`: what the process `name` wrote, and nothing beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._lock = threading.Lock()

    def say(self, name: str, line: str) -> None:
        """Append one line; a disk that takes none is no reason to stop."""
        with self._lock:
            if name not in self._files:
                self._files[name] = _File(
                    self._folder / f"{name}.log",
                    maxBytes=MAX_BYTES,
                    backupCount=KEPT,
                    encoding="utf-8",
                    delay=True,
                )
            self._files[name].handle(logging.LogRecord(name, 0, "", 0, line, None, None))

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for file in self._files.values():
                file.close()


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The line is lost."""
