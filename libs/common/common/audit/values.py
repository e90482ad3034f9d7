"""What an event may hold of a value: JSON, never a secret, never more than a little. Pure."""

import enum
import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from common.clock import rfc3339

#: A longer text is kept as its digest: an event is no copy of the record.
MAX_CHARS = 2_000


def digest(value: Any) -> str:
    """`sha256:…` of a value that must not be kept: it tells only whether two are the same."""
    data = value if isinstance(value, bytes) else text_of(value).encode()
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def plain(value: Any) -> Any:
    """A value as JSON has it; bytes and long texts as digests."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return digest(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    text = str(value)
    return text if len(text) <= MAX_CHARS else digest(text)


def text_of(value: Any) -> str:
    """JSON text in one spelling: ASCII, sorted, without blanks."""
    spelling = {"sort_keys": True, "separators": (",", ":")}
    return json.dumps(value if isinstance(value, str) else plain(value), **spelling)  # type: ignore[arg-type]


def json_text(values: Mapping[str, Any] | None) -> str | None:
    """The text of an event's `before` or `after`."""
    if values is None:
        return None
    text = text_of(values)
    return text if len(text) <= 20 * MAX_CHARS else text_of({"digest": digest(text)})


def line(text: Any, most: int) -> str:
    """A text that every database stores, of at most `most` characters."""
    if isinstance(text, uuid.UUID):
        return str(text)
    storable = str(text).encode("utf-8", "replace").decode().replace("\x00", "?")
    return storable if len(storable) <= most else f"{storable[: most - 1]}…"
