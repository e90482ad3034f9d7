"""Wrong secrets at a steady rate, from one address or from many, by a process of its own."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:  # the process of its own knows no hub
    from hub import Hub

#: Loopback has 2^24 of them.
ADDRESSES = [f"127.9.{number // 250}.{number % 250 + 1}" for number in range(1000)]


class Guessing:
    """What the answers to the guesses were, once it has ended."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.per_second = 0.0


@contextmanager
def guessing(
    hub: "Hub", path: str, ids: Sequence[str], addresses: Sequence[str], per_second: int
) -> Iterator[Guessing]:
    """Guess secrets of `ids`, by turns from `addresses`, until the block ends."""
    given = json.dumps([hub.url, path, list(ids), list(addresses), per_second])
    command = [sys.executable, str(Path(__file__)), given]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        guesses = Guessing()
        try:
            yield guesses
        finally:
            out, _ = process.communicate("end\n", timeout=60)
            found = json.loads(out)
            guesses.statuses = Counter(
                {int(one): count for one, count in found["statuses"].items()}
            )
            guesses.per_second = found["per_second"]


async def _guess(url: str, path: str, named: str, secret: str, address: str) -> int:
    place = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(
            place.hostname, place.port, local_addr=(address, 0)
        )
    except OSError:
        return 0
    try:
        lines = [f"GET {path} HTTP/1.1", "Host: hub.example", "Connection: close"]
        lines += [f"X-Client-Id: {named}", f"X-Client-Secret: {secret}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        answer = await reader.read()
    except OSError:
        return 0
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


async def _run(
    url: str, path: str, ids: Sequence[str], addresses: Sequence[str], per_second: int
) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, lambda: (sys.stdin.readline(), loop.call_soon_threadsafe(ended.set)))
    made: set[asyncio.Task[int]] = set()
    statuses: Counter[int] = Counter()
    began = time.monotonic()

    def keep(task: asyncio.Task[int]) -> None:
        made.discard(task)
        statuses[task.result()] += 1

    for number in itertools.count():
        if ended.is_set():
            break
        named, address = ids[number % len(ids)], addresses[number % len(addresses)]
        # An id of `?` is another unknown one each time.
        asked = _guess(url, path, named.replace("?", str(number)), f"wrong-{number}", address)
        task = asyncio.create_task(asked)
        made.add(task)
        task.add_done_callback(keep)
        await asyncio.sleep(max(0.0, began + (number + 1) / per_second - time.monotonic()))
    lasted = time.monotonic() - began
    await asyncio.wait(made, timeout=30) if made else None
    print(json.dumps({"statuses": statuses, "per_second": number / lasted}))


if __name__ == "__main__":
    asyncio.run(_run(*json.loads(sys.argv[1])))
