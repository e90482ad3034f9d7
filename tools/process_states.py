"""A file that says of each supervised process how it stands: read by the proxy's health page.

`{"proxy-worker": {"restarts": 2, "last_exit": {"code": -9, "at": "2026-01-01T00:00:00Z"},
"starts_in_s": null}, …}`; a code below zero is the signal that ended it, `starts_in_s` how long
the next start is waited for.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class ProcessStates:
    """Written anew with each end and start, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._states: dict[str, dict[str, Any]] = {}

    def began(self, name: str) -> None:
        """A process runs now."""
        with self._lock:
            known = self._states.setdefault(name, {"restarts": 0, "last_exit": None})
            known["starts_in_s"] = None
            self._write()

    def ended(self, name: str, code: int, restarts: int, starts_in_s: float) -> None:
        """A process ended by itself, for the time `restarts`."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._lock:
            self._states[name] = {
                "restarts": restarts,
                "last_exit": {"code": code, "at": at},
                "starts_in_s": round(starts_in_s, 1),
            }
            self._write()

    def _write(self) -> None:
        """A disk that is full is no reason to stop what runs."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(self._states), encoding="utf-8")
            new.replace(self._path)
        except OSError:
            return
