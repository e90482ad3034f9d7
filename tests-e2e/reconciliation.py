"""What callers saw, what the mediator saw and what the record says, joined after a fault.

Every call has a path of its own, so that the three are joined even where no answer came.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import requests
from hub import Hub
from raw_mediator import RawMediator
from waiting import eventually

CALLERS = 8
OPEN = ("pending", "processing")
#: Words of an answer that does not claim that nothing was sent.
MAY_HAVE_BEEN_SENT = ("outcome unknown", "was made", "may have", "not known")


@dataclass(frozen=True)
class Seen:
    """What a caller saw; status 0: nothing."""

    path: str
    status: int
    error: str
    took_s: float

    @property
    def says_it_was_not_made(self) -> bool:
        words = self.error.lower()
        return self.status >= 400 and not any(part in words for part in MAY_HAVE_BEEN_SENT)


class Reconciliation:
    """Calls below `base` while it is open, every second one asynchronous; then the reckoning."""

    def __init__(self, hub: Hub, mediator: RawMediator, base: str, *, callers: int = CALLERS):
        self._hub = hub
        self._mediator = mediator
        self._base = base
        self._numbers = count()
        self._stopping = threading.Event()
        self.seen: list[Seen] = []
        self._threads = [threading.Thread(target=self._call_on) for _ in range(callers)]

    def __enter__(self) -> "Reconciliation":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def others(self, *statuses: int) -> Counter[tuple[int, str]]:
        """What callers saw that has none of these statuses."""
        return Counter((one.status, one.error) for one in self.seen if one.status not in statuses)

    def reckon(self, *, timeout_s: float = 120.0) -> Counter[str]:
        """Nothing accepted lost, nothing sent twice, nothing open; how the calls ended."""
        eventually(self._nothing_is_open, timeout_s)
        record = self._record()
        sent = Counter(one.target.partition("?")[0] for one in self._mediator.received)
        sent = Counter({path: times for path, times in sent.items() if path.startswith(self._base)})
        assert {path: times for path, times in sent.items() if times > 1} == {}
        assert set(sent) <= set(record), "the mediator was asked for what is not on record"
        for seen in self.seen:
            self._check(seen, sent[seen.path], record.get(seen.path))
        return Counter(f"{seen.status} {record.get(seen.path, 'no record')}" for seen in self.seen)

    def _check(self, seen: Seen, sent: int, status: str | None) -> None:
        if seen.status in (200, 202):
            assert status is not None, f"{seen} is lost"
        if seen.status == 200:
            assert (sent, status) == (1, "successful"), seen
        if status == "successful":
            assert sent == 1, seen
        if seen.says_it_was_not_made:
            assert (sent, status) in ((0, "failed"), (0, None)), seen

    def _nothing_is_open(self) -> bool:
        return all(self._listed(status=status)["count"] == 0 for status in OPEN)

    def _record(self) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor: dict[str, str] = {}
        while True:
            page = self._listed(limit=500, **cursor)
            for row in page["data"]:
                found[row["request_url"].partition("?")[0]] = row["status"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def _listed(self, **query: Any) -> dict[str, Any]:
        listed: dict[str, Any] = self._hub.api("GET", "transactions/", 200, params=query)
        return listed

    def _call_on(self) -> None:
        while not self._stopping.is_set():
            self.seen.append(self._call(next(self._numbers)))

    def _call(self, number: int) -> Seen:
        path = f"{self._base}/{number}"
        url = f"{self._hub.url}{path}{'?async=1' if number % 2 else ''}"
        # A connection for each: that a resting one is closed would be nobody's fault.
        headers = {**self._hub.credentials, "Connection": "close"}
        began = time.monotonic()
        try:
            answer = requests.post(url, data=b"x", headers=headers, timeout=90)
        except requests.RequestException as exc:
            return Seen(path, 0, f"outcome unknown: {exc}", time.monotonic() - began)
        error = _error(answer) if answer.status_code >= 400 else ""
        return Seen(path, answer.status_code, error, time.monotonic() - began)


def _error(answer: requests.Response) -> str:
    """The hub's own words; whatever else comes with an error is no answer of the hub."""
    media_type = answer.headers.get("Content-Type", "")
    assert media_type == "application/problem+json", (answer.status_code, media_type)
    return str(answer.json()["error"])
