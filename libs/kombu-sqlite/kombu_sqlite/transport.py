"""A Kombu transport on one SQLite file: several processes, no server.

    Connection(transport=SqliteTransport, transport_options={"path": "var/broker.sqlite3"})

or, once `register()` was called, `Connection("lease:////absolute/path/broker.sqlite3")`.

Transport options, with their defaults: `lease_s` 30, `max_attempts` 10, `busy_timeout_s` 5,
`polling_interval` 0.25 (the longest pause between two looks for messages, the shortest is 0.02),
`now` (the clock, for tests), `sealing` (`store.Sealing`: messages lie sealed in the file; default:
in clear).

As with RabbitMQ: a message is acknowledged by its consumer or comes again; all processes know all
bindings; a publish is on disk when it returns, unless its delivery mode is transient; a message's
header `x-delivery-count` says how often it was delivered before; the queue argument `x-max-length`
drops the oldest. Unlike RabbitMQ: what is rejected, or was delivered `max_attempts` times, always
goes to `<queue>.dead`, with the headers `x-first-death-reason`, `x-first-death-queue` and
`x-attempts`; there are only direct exchanges and the default one, no priorities and no expiry.
`store` tells what outlives what.
"""

# mypy: allow-untyped-calls
# Kombu says it is typed, yet few of its functions are.

import time
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.scheduling import FairCycle

from kombu_sqlite.channel import SqliteChannel
from kombu_sqlite.file import BrokerFile, BrokerFileError
from kombu_sqlite.renewal import ARRIVALS, LeaseRenewer
from kombu_sqlite.routes import Routes
from kombu_sqlite.store import MessageStore

_SHORTEST_PAUSE_S = 0.02
_STORE_OPTIONS = ("lease_s", "max_attempts", "now", "sealing")


def register() -> None:
    """Let Kombu know the scheme `lease`."""
    TRANSPORT_ALIASES["lease"] = f"{__name__}:{SqliteTransport.__name__}"


class SqliteTransport(virtual.Transport):
    """A connection to the broker's file."""

    client: Any  # the kombu.Connection
    cycle: FairCycle
    Channel = SqliteChannel
    driver_type = "sqlite"
    driver_name = "sqlite3"
    polling_interval = 0.25
    connection_errors = (  # type: ignore[assignment]
        *virtual.Transport.connection_errors,
        BrokerFileError,
    )
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct"]))

    def establish_connection(self) -> "SqliteTransport":
        """Open the file. Raises BrokerFileError."""
        options = self.client.transport_options
        chosen = {name: options[name] for name in _STORE_OPTIONS if name in options}
        self._file = BrokerFile(
            Path(options.get("path") or self.client.virtual_host),
            busy_timeout_s=options.get("busy_timeout_s", 5.0),
        )
        self.routes = Routes(self._file)
        self.store = MessageStore(self._file, **chosen)
        self.renewer = LeaseRenewer(self.store)
        super().establish_connection()
        return self

    def close_connection(self, connection: "SqliteTransport") -> None:
        """Give back what is in hand, and close the file."""
        try:
            super().close_connection(connection)
        finally:
            self.renewer.stop()
            self._file.close()

    def drain_events(  # type: ignore[override]
        self, connection: "SqliteTransport", timeout: float | None = None
    ) -> None:
        """Deliver one message. Raises TimeoutError (`socket.timeout`) after `timeout` seconds."""
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        pause_s = _SHORTEST_PAUSE_S
        while True:
            seen = ARRIVALS.count
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            ARRIVALS.wait(seen, min(pause_s, left_s))
            pause_s = min(2 * pause_s, self.polling_interval)
