"""What a process does beside its handlers: it renews leases in time, and wakes who waits."""

import logging
import threading
from collections.abc import Iterable

from kombu_sqlite.file import BrokerFileError
from kombu_sqlite.store import MessageStore

log = logging.getLogger(__name__)

#: Renewals in the time of one lease: two may fail before it ends.
_RENEWALS_PER_LEASE = 3


class LeaseRenewer:
    """Renews leases on a daemon thread, so that a slow handler does not get its message twice.

    The thread starts with the first message in hand: who only publishes has none. It ends with
    `stop`, or with the process, and then the leases run out.
    """

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._held: set[str] = set()
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, token: str) -> None:
        """Renew the lease `token` from now on."""
        with self._guard:
            self._held.add(token)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-renewer", daemon=True)
                self._thread.start()

    def release(self, tokens: Iterable[str]) -> None:
        """Renew these no more."""
        with self._guard:
            self._held.difference_update(tokens)

    def stop(self) -> None:
        """End the thread; what is still held runs out."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._store.lease_s / _RENEWALS_PER_LEASE):
            try:
                self._renew()
            except BrokerFileError as exc:
                log.warning("lease_renewal_failed", extra={"reason": str(exc)})

    def _renew(self) -> None:
        with self._guard:
            held = set(self._held)
        if not held:
            return
        gone = held - self._store.renew(held)
        with self._guard:
            lost = gone & self._held  # the rest was acknowledged meanwhile
            self._held -= lost
        for token in lost:
            log.warning("lease_lost", extra={"delivery_tag": token})


class Arrivals:
    """Tells the threads of this process that something changed; other processes are polled."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0

    def note(self) -> None:
        """Something was published, given back, or acknowledged."""
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout_s: float) -> None:
        """Return once `count` is beyond `seen`, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self.count != seen, timeout_s)


ARRIVALS = Arrivals()
