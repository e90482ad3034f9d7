"""Headers as the record keeps them, and as people read them. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.record.masks import HEADERS, MASK


def readable_headers(recorded: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Recorded headers for people: values that were UTF-8 on the wire as that text.

    The record keeps each byte as one character, so that a rerun sends the same bytes.
    """
    if recorded is None:
        return None
    return {name: readable_value(value) for name, value in recorded.items()}


def readable_value(value: str | list[str]) -> Any:
    """One header's value, or its values, for people."""
    if isinstance(value, list):
        return [readable_value(one) for one in value]
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def recorded_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Headers as a JSON object for the record: secrets masked, repeated ones as lists.

    `readable_headers` makes of it what people read.
    """
    pairs = list(pairs)
    recorded: dict[str, Any] = {
        name: MASK if name.lower() in HEADERS else value for name, value in pairs
    }
    return recorded if len(recorded) == len(pairs) else _with_lists(pairs)


def _with_lists(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The same where a name is repeated."""
    recorded: dict[str, Any] = {}
    for name, value in pairs:
        if name.lower() in HEADERS:
            value = MASK
        if name in recorded:
            before = recorded[name]
            recorded[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            recorded[name] = value
    return recorded
