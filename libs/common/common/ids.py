"""Identifiers that sort by the time they were made (UUID version 7, RFC 9562)."""

import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of milliseconds, then random bits; index-friendly and unguessable."""
    return _version_7(time.time_ns() // 1_000_000, _random())


def new_id_at(moment: datetime) -> uuid.UUID:
    """An id as if it were made at `moment`: for records of the past."""
    return _version_7(_milliseconds(moment), _random())


def lowest_id_at(moment: datetime) -> uuid.UUID:
    """The lowest id that can be made at `moment`: a range of times becomes a range of ids."""
    return _version_7(_milliseconds(moment), 0)


def moment_of(made: uuid.UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=made.int >> 80)


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))


def _random() -> int:
    return int.from_bytes(os.urandom(10), "big")


def _version_7(milliseconds: int, random_bits: int) -> uuid.UUID:
    value = (milliseconds << 80) | random_bits
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return _of_number(value)


def _of_number(value: int) -> uuid.UUID:
    """`uuid.UUID(int=value)` without its checks, which take longer than all the rest: every call
    has an id. Python 3.14 does the same for its own ids of version 7.
    """
    made = uuid.UUID.__new__(uuid.UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", uuid.SafeUUID.unknown)
    return made


def named_id_at(moment: datetime, name: str) -> uuid.UUID:
    """The one id of what is called `name` elsewhere, as if it were made at `moment`."""
    return _version_7(_milliseconds(moment), int.from_bytes(sha256(name.encode()).digest()[:10]))
