"""A client asks how its call stands, and may wait for the end."""

import uuid
from typing import Protocol

from common.db.database import Database
from common.importing.former import find_former
from sqlalchemy import select

from proxy.errors import NotEnded, UnknownRecord
from proxy.gateway.headers import without_query_parameter
from proxy.models import FINAL_STATUSES, FormerRecord, StoredResponse, Transaction
from proxy.record.sealing import ResponseCopy, Sealer

MAX_WAIT_S = 30.0


class Caller(Protocol):
    """A client who asks; calls before `since` (seconds since 1970) were not its own."""

    @property
    def client_id(self) -> str:
        """What it calls itself."""

    @property
    def since(self) -> float:
        """When it was made."""


LOOK_EVERY_S = 0.2


def forwarded_url(transaction: Transaction) -> str:
    """Where a call went: the mediator's URL; what was asked for where it went to the bus."""
    path, mark, query = transaction.request_url.partition("?")
    query = without_query_parameter(query, "async")
    target = path + (f"{mark}{query}" if query else "")
    return f"{transaction.mediator_url or ''}{target}"


def wait_seconds(preference: str) -> float:
    """`Prefer: wait=<s>` in seconds, between nothing and `MAX_WAIT_S`."""
    return min(float(preference), MAX_WAIT_S) if preference.isdecimal() else 0.0


def response_of(
    database: Database, sealer: Sealer, correlation_id: uuid.UUID, client: Caller
) -> ResponseCopy:
    """The whole answer of the client's asynchronous call. Raises UnknownRecord, NotEnded."""
    transaction = state_of(database, correlation_id, client)
    if transaction.status not in FINAL_STATUSES:
        raise NotEnded
    with database.reading() as session:
        stored = session.get(StoredResponse, correlation_id)
    if stored is None:
        raise UnknownRecord("answer that was kept whole")
    return sealer.open_response(stored)


def id_beginning(database: Database, digits: str) -> uuid.UUID:
    """The one id on record that begins with these hex digits. Raises UnknownRecord."""
    lowest, highest = uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
    key = Transaction.correlation_id
    with database.reading() as session:
        found = session.scalars(select(key).where(key.between(lowest, highest)).limit(2)).all()
    if len(found) != 1:
        raise UnknownRecord("transaction")
    return found[0]


def state_of(database: Database, correlation_id: uuid.UUID, client: Caller) -> Transaction:
    """The client's transaction as it stands, also by the id that it had at the Django mediator; not
    one of a former client of its name.

    Raises UnknownRecord.
    """
    with database.reading() as session:
        transaction = session.get(Transaction, correlation_id)
        if transaction is None:
            former = find_former(session, FormerRecord, "transaction", str(correlation_id))
            transaction = session.get(Transaction, former) if former else None
        elif transaction.started_at.timestamp() < client.since:
            transaction = None
    if transaction is None or transaction.client_name != client.client_id:
        raise UnknownRecord("transaction")
    return transaction
