"""Messages on the broker's file: published, taken in hand under a lease, finished by token.

A consumer does not take a message out: it takes a *lease* on its row. While the lease runs nobody
else gets the message; the row goes when the holder finishes it by its token. A holder that dies
finishes nothing: its lease ends, and the message is free again at its old place in the queue.

Publishing is durable. Leases, acknowledgements and dead-lettering survive every end of a process; a
power cut may undo the latest of them, and then a message comes twice. None is lost.
"""

import json
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from kombu_sqlite.file import BrokerFile
from kombu_sqlite.routes import queues_for

log = logging.getLogger(__name__)

DEAD_SUFFIX = ".dead"

_HAS_FREE = """
SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ? AND lease_until <= ?)
"""
# Two looks into one index instead of a walk over everything that is in hand.
_OLDEST_FREE = """
SELECT id, payload, attempt_count, death_reason FROM messages WHERE id = (
    SELECT min(id) FROM (
        SELECT min(id) AS id FROM messages WHERE queue = :queue AND lease_until = 0
        UNION ALL
        SELECT min(id) FROM messages
        WHERE queue = :queue AND lease_until > 0 AND lease_until <= :now))
"""
_LEASE = "UPDATE messages SET attempt_count = ?, lease_until = ?, lease_token = ? WHERE id = ?"
_RENEW = """
UPDATE messages SET lease_until = ?
WHERE lease_token IN (SELECT value FROM json_each(?)) RETURNING lease_token
"""
_FINISH = """
DELETE FROM messages
WHERE lease_token IN (SELECT value FROM json_each(?)) RETURNING lease_token
"""
_GIVE_BACK = """
UPDATE messages SET lease_until = 0, lease_token = NULL
WHERE lease_token IN (SELECT value FROM json_each(?))
"""
_BURY = """
UPDATE messages SET queue = ?, death_reason = ?, lease_until = 0, lease_token = NULL WHERE id = ?
"""
_DROP_OLDEST_BEYOND = """
DELETE FROM messages WHERE id IN (
    SELECT id FROM messages WHERE queue = ? AND lease_until <= ?
    ORDER BY id DESC LIMIT -1 OFFSET ?)
"""


class DeathReason(StrEnum):
    """Why a message lies in `<queue>.dead`; it stays until somebody consumes that queue."""

    REJECTED = "rejected"  # a consumer refused it for good
    DELIVERY_LIMIT = "delivery_limit"  # delivered `max_attempts` times, never acknowledged


@dataclass(frozen=True)
class Sealing:
    """What seals messages as they lie in the file; `opened` gives None for what it cannot open.

    `opened` gives a message that lies in clear as it is.
    """

    sealed: Callable[[str], str]
    opened: Callable[[str], str | None]


IN_CLEAR = Sealing(str, str)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message in hand. `attempt` counts its deliveries, this one included, until its death."""

    message_id: int
    queue: str
    token: str
    #: None: nothing opens it.
    payload: str | None
    attempt: int
    death_reason: DeathReason | None


class MessageStore:
    """The messages on one broker file. Every method raises BrokerFileError."""

    def __init__(
        self,
        file: BrokerFile,
        *,
        lease_s: float = 30.0,
        max_attempts: int = 10,
        now: Callable[[], float] = time.time,
        sealing: Sealing = IN_CLEAR,
    ) -> None:
        """`now` gives Unix seconds; all processes on the file must go by one clock."""
        self.lease_s = lease_s
        self._sealing = sealing
        self._file = file
        self._max_attempts = max_attempts
        self._now = now

    def publish(
        self, exchange: str, routing_key: str, payload: str, *, durable: bool = True
    ) -> int:
        """Append a message to every queue that it is routed to, in one transaction.

        Gives the number of queues; 0 when none is bound, and then nothing is stored. What is not
        `durable` survives every end of a process, but not a power cut.
        """
        sealed = self._sealing.sealed(payload)
        with self._file.transaction(durable=durable) as db:
            queues = queues_for(db, exchange, routing_key)
            for queue in queues:
                self._append(db, queue, sealed)
        return len(queues)

    def _append(self, db: sqlite3.Connection, queue: str, payload: str) -> None:
        db.execute("INSERT OR IGNORE INTO queues (name) VALUES (?)", (queue,))
        db.execute("INSERT INTO messages (queue, payload) VALUES (?, ?)", (queue, payload))
        known = db.execute("SELECT max_length FROM queues WHERE name = ?", (queue,))
        (max_length,) = known.fetchone()
        if max_length is not None:
            db.execute(_DROP_OLDEST_BEYOND, (queue, self._now(), max_length))

    def seal_anew(self) -> tuple[int, int]:
        """Seal every message as one is sealed now; how many were, and how many nothing opens."""
        with self._file.transaction(durable=True) as db:
            db.execute("PRAGMA secure_delete=ON")  # what lay in clear does not stay in free pages
            rows = db.execute("SELECT id, payload FROM messages").fetchall()
            opened = {id_: self._sealing.opened(payload) for id_, payload in rows}
            sealed = [
                (self._sealing.sealed(payload), id_)
                for id_, payload in opened.items()
                if payload is not None
            ]
            db.executemany("UPDATE messages SET payload = ? WHERE id = ?", sealed)
        self._file.number("PRAGMA wal_checkpoint(TRUNCATE)")  # nor in the log
        return len(sealed), len(opened) - len(sealed)

    def count_free(self, queue: str) -> int:
        """How many messages of `queue` nobody has in hand."""
        return self._file.number(
            "SELECT count(*) FROM messages WHERE queue = ? AND lease_until <= ?", queue, self._now()
        )

    def purge(self, queue: str) -> int:
        """Remove the messages of `queue` that nobody has in hand; gives their number."""
        with self._file.transaction(durable=True) as db:
            return db.execute(
                "DELETE FROM messages WHERE queue = ? AND lease_until <= ?", (queue, self._now())
            ).rowcount

    def claim(self, queue: str) -> Delivery | None:
        """Take a lease on the oldest free message of `queue`; None when there is none.

        A message that was delivered `max_attempts` times moves to the dead-letter queue instead.
        """
        if not self._file.number(_HAS_FREE, queue, self._now()):
            return None  # most looks find nothing, and must not keep a writer waiting
        spent: list[int] = []
        with self._file.transaction(durable=False) as db:
            delivery = self._claim_oldest(db, queue, spent)
        for message_id in spent:
            _log_death(message_id, queue, DeathReason.DELIVERY_LIMIT)
        return delivery

    def _claim_oldest(
        self, db: sqlite3.Connection, queue: str, spent: list[int]
    ) -> Delivery | None:
        now = self._now()
        while row := db.execute(_OLDEST_FREE, {"queue": queue, "now": now}).fetchone():
            message_id, payload, attempts, death_reason = row
            if death_reason is None and attempts >= self._max_attempts:
                _bury(db, message_id, queue, DeathReason.DELIVERY_LIMIT)
                spent.append(message_id)
                continue
            delivery = Delivery(
                message_id=message_id,
                queue=queue,
                token=uuid.uuid4().hex,
                payload=self._sealing.opened(payload),
                attempt=attempts + (death_reason is None),
                death_reason=death_reason and DeathReason(death_reason),
            )
            db.execute(_LEASE, (delivery.attempt, now + self.lease_s, delivery.token, message_id))
            return delivery
        return None

    def renew(self, tokens: Iterable[str]) -> set[str]:
        """Let the leases run for `lease_s` from now on; gives the tokens that still stand."""
        with self._file.transaction(durable=False) as db:
            rows = db.execute(_RENEW, (self._now() + self.lease_s, json.dumps(list(tokens))))
            return {token for (token,) in rows}

    def finish(self, tokens: Iterable[str]) -> set[str]:
        """Remove the messages in hand; gives the tokens that still stood."""
        with self._file.transaction(durable=False) as db:
            rows = db.execute(_FINISH, (json.dumps(list(tokens)),))
            return {token for (token,) in rows}

    def give_back(self, tokens: Iterable[str]) -> int:
        """Free the messages at once, each at its old place; gives how many tokens still stood.

        The delivery counts all the same: what its consumers stumble on must end somewhere.
        """
        with self._file.transaction(durable=False) as db:
            return db.execute(_GIVE_BACK, (json.dumps(list(tokens)),)).rowcount

    def reject(self, token: str) -> bool:
        """Move the message to `<queue>.dead`; one that lies in a dead-letter queue is dropped.

        False when the token no longer stands.
        """
        with self._file.transaction(durable=False) as db:
            held = db.execute(
                "SELECT id, queue, death_reason FROM messages WHERE lease_token = ?", (token,)
            ).fetchone()
            if held is None:
                return False
            message_id, queue, death_reason = held
            if death_reason is None:
                _bury(db, message_id, queue, DeathReason.REJECTED)
            else:
                db.execute("DELETE FROM messages WHERE id = ?", (message_id,))
        if death_reason is None:
            _log_death(message_id, queue, DeathReason.REJECTED)
        else:
            log.warning("dead_message_dropped", extra={"message_id": message_id, "queue": queue})
        return True


def _bury(db: sqlite3.Connection, message_id: int, queue: str, reason: DeathReason) -> None:
    db.execute("INSERT OR IGNORE INTO queues (name) VALUES (?)", (queue + DEAD_SUFFIX,))
    db.execute(_BURY, (queue + DEAD_SUFFIX, reason, message_id))


def _log_death(message_id: int, queue: str, reason: DeathReason) -> None:
    log.warning(
        "message_dead_lettered", extra={"message_id": message_id, "queue": queue, "reason": reason}
    )
