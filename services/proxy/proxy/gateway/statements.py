"""What the hot path does to the record, in the order in which a batch does it."""

import enum
from typing import cast

from common.rows.statements import Change, Insert, Statement
from sqlalchemy import Table

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

STATEMENTS: dict[Act, Statement] = {
    # Two inserts: a batch's rows must have the same columns, and fewer columns cost less.
    Act.START: Insert(_transactions),
    Act.WHOLE: Insert(_transactions),
    Act.STORE: Insert(cast(Table, StoredRequest.__table__)),
    Act.ACCEPT: Insert(cast(Table, AsyncCall.__table__)),
    Act.KEY: Insert(_keys),
    Act.END: Change(_transactions, _ENDED),
    Act.KEY_END: Change(_keys, _ANSWERED),
    Act.REFUSE: Insert(cast(Table, Rejection.__table__)),
}
