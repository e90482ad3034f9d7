"""A bulk body is taken apart: a JSON array or NDJSON. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from common.texts import _

from policy_notify.errors import BadBody

MAX_RECORDS = 10_000
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
MEDIA_TYPES = ("application/json", *NDJSON)


@dataclass(frozen=True)
class Unreadable:
    """A line that is not JSON, in the place of its record."""

    reason: str


def parse(body: bytes, media_type: str) -> list[Any]:
    """The records of a body, in order; a bad line of NDJSON becomes `Unreadable`.

    Raises BadBody when there is no record to speak of, or more than `MAX_RECORDS`.
    """
    records = _lines(body) if media_type in NDJSON else _array(body)
    if len(records) > MAX_RECORDS:
        raise BadBody(f"At most {MAX_RECORDS} records at once", {"_schema": ["Too many records."]})
    return records


def _array(body: bytes) -> list[Any]:
    try:
        records = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BadBody(_("The body is not JSON"), {"_schema": ["Not JSON."]}) from exc
    if not isinstance(records, list):
        raise BadBody(_("The body is not an array"), {"_schema": ["Not an array of records."]})
    return records


def _lines(body: bytes) -> list[Any]:
    return [parse_line(line) for line in body.split(b"\n") if line.strip()]


def parse_line(line: bytes) -> Any:
    """The record of one line of NDJSON, or `Unreadable`."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable("Not JSON.")
