"""Ids that sort as the events came: in the outbox, and in people's inboxes.

UUIDs of version 7 (RFC 9562) whose bits after the milliseconds are a finer clock (section 6.2,
method 3): two events within one millisecond keep their order, in one process surely, between
processes to some microseconds.
"""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_IN_MS = 1_000_000
_BELOW_CLOCK = 64
_VERSION, _VARIANT = 0x7 << 76, 0x2 << 62

_lock = threading.Lock()
_last = 0


def next_id() -> uuid.UUID:
    """An id greater than all that this process has made."""
    global _last
    ms, rest_ns = divmod(time.time_ns(), _NS_IN_MS)
    ticks = ms << 12 | (rest_ns << 12) // _NS_IN_MS
    with _lock:
        _last = ticks = max(ticks, _last + 1)
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    clock = (ticks >> 12) << 80 | (ticks & 0xFFF) << _BELOW_CLOCK
    return uuid.UUID(int=clock | _VERSION | _VARIANT | chance)


def id_in_inbox(outbox_id: uuid.UUID, due_at: datetime) -> uuid.UUID:
    """The id of a message in its person's inbox: in the order of events, or of its time.

    `outbox_id` is from `next_id`; `due_at` is when it was to be there.
    """
    due_ms = int((due_at - _EPOCH).total_seconds() * 1000)
    if due_ms <= outbox_id.int >> 80:
        return outbox_id
    return uuid.UUID(int=due_ms << 80 | outbox_id.int & ((1 << 80) - 1))
