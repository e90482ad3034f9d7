"""The statements of the hot path, prepared once, in the order in which a batch runs them."""

import enum
from typing import cast

from sqlalchemy import Insert, Table, Update, bindparam, insert, update

from proxy.models import AsyncCall, IdempotencyKey, Rejection, StoredRequest, Transaction


class Act(enum.Enum):
    """What a row does to the record."""

    START = "start"  # a transaction begins
    WHOLE = "whole"  # a transaction that begins and ends in one row
    STORE = "store"  # its request, to the byte
    ACCEPT = "accept"  # a worker will make the call
    KEY = "key"  # it came with an Idempotency-Key
    END = "end"  # a transaction ends
    KEY_END = "key_end"  # the answer that the key will give again
    REFUSE = "refuse"  # a request that became no transaction


_transactions = cast(Table, Transaction.__table__)
_keys = cast(Table, IdempotencyKey.__table__)

_ENDED = (
    "status",
    "response_status_code",
    "response_headers",
    "response_body",
    "error_message",
    "esb_exchange_id",
    "completed_at",
    "match_ms",
    "upstream_ms",
    "store_ms",
    "duration_ms",
)
_ANSWERED = ("response_status_code", "response_headers", "response_body")

STATEMENTS: dict[Act, Insert | Update] = {
    # Two inserts: a batch's rows must have the same columns, and fewer columns cost less.
    Act.START: insert(_transactions),
    Act.WHOLE: insert(_transactions),
    Act.STORE: insert(cast(Table, StoredRequest.__table__)),
    Act.ACCEPT: insert(cast(Table, AsyncCall.__table__)),
    Act.KEY: insert(_keys),
    Act.END: update(_transactions)
    .where(_transactions.c.correlation_id == bindparam("key_correlation_id"))
    .values({name: bindparam(name) for name in _ENDED}),
    Act.KEY_END: update(_keys)
    .where(_keys.c.client_name == bindparam("key_client_name"), _keys.c.key == bindparam("key_key"))
    .values({name: bindparam(name) for name in _ANSWERED}),
    Act.REFUSE: insert(cast(Table, Rejection.__table__)),
}
