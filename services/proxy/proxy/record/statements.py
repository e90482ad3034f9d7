"""What the hot path does to the record, in the order in which a batch does it."""

import enum
from typing import cast

from common.db.rows.statements import Acting, Change, Insert, InsertSeveral, Remove, Replace
from sqlalchemy import Table

from proxy.models import (
    AsyncCall,
    GatewayProcess,
    IdempotencyKey,
    Rejection,
    Retry,
    ShadowDifference,
    StoredRequest,
    Transaction,
    TransactionField,
    TransactionProperty,
    TransactionReport,
)


class Act(enum.StrEnum):
    """What a row does to the record. Text, for that is quick as the key of a dictionary."""

    START = "start"  # a transaction begins
    WHOLE = "whole"  # a transaction that begins and ends in one row
    STORE = "store"  # its request, to the byte
    ACCEPT = "accept"  # a worker will make the call
    KEY = "key"  # it came with an Idempotency-Key
    END = "end"  # a transaction ends
    RETRY = "retry"  # it failed, and is made again by itself
    REPORT = "report"  # what its mediator reports of it, or a secondary route
    JUDGE = "judge"  # a secondary route ended after it
    PROPERTIES = "properties"  # what it can be found by
    FIELDS = "fields"  # and by what of its bodies
    KEY_END = "key_end"  # the answer that the key will give again
    KEY_FREE = "key_free"  # the call was surely not sent: the key may be used again
    REJECT = "reject"  # a request that became no transaction
    DIFFER = "differ"  # another hub answered a copy otherwise
    ALIVE = "alive"  # the process that owns calls is alive


_transactions = cast(Table, Transaction.__table__)
_keys = cast(Table, IdempotencyKey.__table__)

_ENDED = (
    "status",
    "response_status_code",
    "response_headers",
    "response_head",
    "response_body",
    "response_body_length",
    "error_message",
    "esb_exchange_id",
    "completed_at",
    "match_ms",
    "upstream_ms",
    "store_ms",
    "duration_ms",
)
_ANSWERED = ("response_status_code", "response_headers", "response_body")

STATEMENTS: dict[Act, Acting] = {
    # Two inserts: a batch's rows must have the same columns, and fewer columns cost less.
    Act.START: Insert(_transactions),
    Act.WHOLE: Insert(_transactions),
    Act.STORE: Insert(cast(Table, StoredRequest.__table__)),
    Act.ACCEPT: Insert(cast(Table, AsyncCall.__table__)),
    Act.KEY: Insert(_keys),
    Act.END: Change(_transactions, _ENDED),
    Act.RETRY: Insert(cast(Table, Retry.__table__)),
    Act.JUDGE: Change(_transactions, ("status",)),
    Act.REPORT: InsertSeveral(Insert(cast(Table, TransactionReport.__table__))),
    Act.PROPERTIES: InsertSeveral(Insert(cast(Table, TransactionProperty.__table__))),
    Act.FIELDS: InsertSeveral(Insert(cast(Table, TransactionField.__table__))),
    Act.KEY_END: Change(_keys, _ANSWERED),
    Act.KEY_FREE: Remove(_keys, ("correlation_id",)),
    Act.REJECT: Insert(cast(Table, Rejection.__table__)),
    Act.DIFFER: Insert(cast(Table, ShadowDifference.__table__)),
    Act.ALIVE: Replace(cast(Table, GatewayProcess.__table__)),
}
