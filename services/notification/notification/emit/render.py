"""Placeholders: `{name}` and `{order.total}` are looked up in a context, and nothing else happens.

A name is a path through objects; there are no attributes, indexes, formats or code. A brace begins
or ends a placeholder; two of them, `{{` and `}}`, are one brace of the text. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notification.emit.written import number_text

MAX_NAME_CHARS = 128
#: A short template that names a long value often must not fill the memory.
MAX_VALUE_CHARS = 100_000

_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_DOUBLED = {"{{": "{", "}}": "}"}
BRACED = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


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
        if found[1] is None:
            return _DOUBLED.get(found[0], found[0])
        value = look_up(found[1], context)
        if value is None:
            missing[found[1]] = None
            return found[0]
        room -= len(value)
        return value if room >= 0 else ""

    filled = BRACED.sub(value_of, text)
    return Filled(filled, tuple(missing), room >= 0)


def look_up(name: str, context: Mapping[str, Any]) -> str | None:
    """The value at the end of the path as text; None when there is no such.

    Numbers stand as they were written; of a list its values, with commas.
    """
    value: Any = context
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    if isinstance(value, list):
        texts = [_text(one) for one in value]
        return ", ".join(filter(None, texts)) if texts and None not in texts else None
    return _text(value)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    return value if isinstance(value, str) else None


def names(text: str) -> list[str]:
    """The placeholders of a text, each once, in their order."""
    found = (one[1] for one in BRACED.finditer(text))
    return list(dict.fromkeys(one for one in found if one is not None))


def why_unusable(text: str) -> str | None:
    """What is wrong with a template's text; None when nothing is."""
    for found in BRACED.finditer(text):
        if found[0] in _DOUBLED:
            continue
        if found[1] is None:
            at = found.start() + 1
            return f"The brace at character {at} has no partner: write {found[0] * 2} for itself."
        if len(found[1]) > MAX_NAME_CHARS or not _NAME.fullmatch(found[1]):
            return f"{found[0][:50]} is no placeholder: write {{name}} or {{order.total}}."
    return None
