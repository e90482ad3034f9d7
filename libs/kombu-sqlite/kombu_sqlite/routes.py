"""Queues, exchanges and bindings on the broker's file.

They are in the file and not in a process, so that a publisher finds the queue of a consumer that it
has never met.
"""

import sqlite3

from kombu_sqlite.file import BrokerFile


class Routes:
    """The declarations on one broker file. Every method raises BrokerFileError."""

    def __init__(self, file: BrokerFile) -> None:
        self._file = file

    def declare_queue(self, queue: str, *, max_length: int | None = None) -> None:
        """Make `queue` known. Beyond `max_length` waiting messages the oldest are dropped."""
        with self._file.transaction(durable=True) as db:
            db.execute(
                "INSERT INTO queues VALUES (?, ?) ON CONFLICT DO UPDATE"
                " SET max_length = excluded.max_length"
                " WHERE max_length IS NOT excluded.max_length",
                (queue, max_length),
            )

    def has_queue(self, queue: str) -> bool:
        """Was `queue` declared or published to, by any process?"""
        return self._file.number("SELECT count(*) FROM queues WHERE name = ?", queue) > 0

    def delete_queue(self, queue: str, *, only_empty: bool = False) -> int:
        """Delete `queue`, its bindings, and its messages even if in hand; gives their number.

        With `only_empty`, a queue that holds any message stays.
        """
        with self._file.transaction(durable=True) as db:
            if (
                only_empty
                and db.execute(
                    "SELECT 1 FROM messages WHERE queue = ? LIMIT 1", (queue,)
                ).fetchone()
            ):
                return 0
            db.execute("DELETE FROM queues WHERE name = ?", (queue,))
            db.execute("DELETE FROM bindings WHERE queue = ?", (queue,))
            return db.execute("DELETE FROM messages WHERE queue = ?", (queue,)).rowcount

    def declare_exchange(self, exchange: str) -> None:
        """Make the direct exchange `exchange` known."""
        with self._file.transaction(durable=True) as db:
            db.execute("INSERT OR IGNORE INTO exchanges VALUES (?)", (exchange,))

    def has_exchange(self, exchange: str) -> bool:
        """Was `exchange` declared, by any process?"""
        return self._file.number("SELECT count(*) FROM exchanges WHERE name = ?", exchange) > 0

    def delete_exchange(self, exchange: str) -> None:
        """Delete `exchange` and its bindings; queues and messages stay."""
        with self._file.transaction(durable=True) as db:
            db.execute("DELETE FROM exchanges WHERE name = ?", (exchange,))
            db.execute("DELETE FROM bindings WHERE exchange = ?", (exchange,))

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        """Route what any process publishes to `exchange` with `routing_key` to `queue`."""
        with self._file.transaction(durable=True) as db:
            db.execute(
                "INSERT OR IGNORE INTO bindings VALUES (?, ?, ?)", (exchange, routing_key, queue)
            )

    def unbind(self, queue: str, exchange: str, routing_key: str) -> None:
        """Undo `bind`."""
        with self._file.transaction(durable=True) as db:
            db.execute(
                "DELETE FROM bindings WHERE exchange = ? AND routing_key = ? AND queue = ?",
                (exchange, routing_key, queue),
            )


def queues_for(db: sqlite3.Connection, exchange: str, routing_key: str) -> list[str]:
    """Where a message goes; the exchange "" leads to the queue named like the key, known or not."""
    if not exchange:
        return [routing_key]
    bound = db.execute(
        "SELECT queue FROM bindings WHERE exchange = ? AND routing_key = ?", (exchange, routing_key)
    )
    return [queue for (queue,) in bound]
