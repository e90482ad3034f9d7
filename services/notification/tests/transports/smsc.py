"""An SMSC on loopback: `smpp` from npm, which knows nothing of this project, as a server."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "npm"
TIMEOUT_S = 20.0


class Smsc:
    """Does what it is told and tells what it gets."""

    def __init__(self, packages: Path, *tls: Path) -> None:
        self._process = subprocess.Popen(
            ["node", HERE / "smsc.cjs", *tls],
            cwd=packages,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self.listen(0)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def tell(self, act: str, **order: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"act": act, **order}) + "\n")
        self._process.stdin.flush()

    def listen(self, port: int) -> int:
        self.tell("listen", port=port)
        found: int = self.next("port")["port"]
        return found

    def next(self, kind: str) -> dict[str, Any]:
        """The next thing of a kind that it tells; others before it are dropped."""
        while True:
            found = self._lines.get(timeout=TIMEOUT_S)
            if kind in found:
                return found

    def seen(self, kind: str) -> list[dict[str, Any]]:
        """What of a kind it has told by now."""
        found = []
        while not self._lines.empty():
            found.append(self._lines.get_nowait())
        return [one for one in found if kind in one]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(TIMEOUT_S)
        self._reader.join()
        assert self._process.stdout
        self._process.stdout.close()
