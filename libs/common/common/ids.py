"""Identifiers that sort by the time they were made (UUID version 7, RFC 9562)."""

import os
import time
import uuid
from datetime import datetime


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of milliseconds, then random bits; index-friendly and unguessable."""
    return _version_7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def lowest_id_at(moment: datetime) -> uuid.UUID:
    """The lowest id that can be made at `moment`: a range of times becomes a range of ids."""
    return _version_7(max(0, int(moment.timestamp() * 1000)), 0)


def _version_7(milliseconds: int, random_bits: int) -> uuid.UUID:
    value = (milliseconds << 80) | random_bits
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return uuid.UUID(int=value)


def lowest_id(moment: datetime) -> uuid.UUID:
    """A bound for ids made at `moment` or later: rows are found by time through their ids."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
