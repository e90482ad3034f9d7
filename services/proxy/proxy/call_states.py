"""A client asks how its call stands, and may wait for the end."""

import time
import uuid
from collections.abc import Callable

from common.database import Database

from proxy.errors import UnknownRecord
from proxy.models import FINAL_STATUSES, Transaction

MAX_WAIT_S = 30.0
LOOK_EVERY_S = 0.2


def wait_seconds(preference: str) -> float:
    """`Prefer: wait=<s>` in seconds, between nothing and `MAX_WAIT_S`."""
    return min(float(preference), MAX_WAIT_S) if preference.isdecimal() else 0.0


def await_end(
    database: Database,
    correlation_id: uuid.UUID,
    client_id: str,
    preference: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Transaction:
    """The client's transaction, once it has ended or the wait is over. Raises UnknownRecord."""
    deadline = clock() + wait_seconds(preference)
    while True:
        with database.reading() as session:
            transaction = session.get(Transaction, correlation_id)
        if transaction is None or transaction.client_name != client_id:
            raise UnknownRecord("transaction")
        if transaction.status in FINAL_STATUSES or clock() >= deadline:
            return transaction
        time.sleep(LOOK_EVERY_S)
