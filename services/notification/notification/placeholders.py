"""Placeholders: `{name}` and `{order.total}` are looked up in a context, and nothing else happens.

A name is a path through objects; there are no attributes, indexes, formats or code. A brace always
begins or ends a placeholder. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_NAME_CHARS = 128
#: A short template that names a long value often must not fill the memory.
MAX_VALUE_CHARS = 100_000

_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BRACED = re.compile(r"\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its values; the placeholders in `missing` stand in it as they were written.

    Values that would make it too long are left out of it; then it does not fit.
    """

    text: str
    missing: tuple[str, ...] = ()
    fits: bool = True


def fill(text: str, context: Mapping[str, Any], room: int = MAX_VALUE_CHARS) -> Filled:
    """Put the context's values in the placeholders' places: `room` characters of them at most."""
    missing: dict[str, None] = {}

    def value_of(found: re.Match[str]) -> str:
        nonlocal room
        value = look_up(found[1], context)
        if value is None:
            missing[found[1]] = None
            return found[0]
        room -= len(value)
        return value if room >= 0 else ""

    filled = _PLACEHOLDER.sub(value_of, text)
    return Filled(filled, tuple(missing), room >= 0)


def look_up(name: str, context: Mapping[str, Any]) -> str | None:
    """The text, number, `true` or `false` at the end of the path; None when there is no such."""
    value: Any = context
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def names(text: str) -> list[str]:
    """The placeholders of a text, each once, in their order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def why_unusable(text: str) -> str | None:
    """What is wrong with a template's text; None when nothing is."""
    for found in _BRACED.finditer(text):
        if found[1] is None:
            return f"The brace at character {found.start() + 1} has no partner."
        if len(found[1]) > MAX_NAME_CHARS or not _NAME.fullmatch(found[1]):
            return f"{found[0][:50]} is no placeholder: write {{name}} or {{order.total}}."
    return None
