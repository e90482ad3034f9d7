"""What of a provider's answer is kept with the attempt: its shape, its words, its ids. Pure.

No number of the message, no part of its text, nothing that looks like a number or a secret.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from notification.transports.base import Message

MASK = "***"
#: What is kept of an answer at most: levels, values, characters of a text.
MAX_DEPTH, MAX_VALUES, MAX_CHARS = 5, 40, 120
#: So many characters of a message in a row are a part of its text.
ECHO_CHARS = 12
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SECRET = re.compile(r"token|secret|password|passwd|api_?key|auth|signature|hash|cookie", re.I)
_IS_ID = re.compile(r"(id|reference|cursor)$", re.I)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_DIGITS = re.compile(r"[0-9]")
#: Digits that may be a telephone number, whatever stands between them.
_MANY_DIGITS = 7


def masked(body: bytes, message: Message) -> Any:
    """The answer `body` as it may be kept: JSON, or its text; None for an empty one."""
    try:
        found = json.loads(body, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        found = body.decode("utf-8", "replace").strip() or None
    return _Masking(message).value(found, "", 0)


class _Masking:
    """One answer's."""

    def __init__(self, message: Message) -> None:
        self._words = f"{message.subject}\n{message.body}".casefold()
        self._numbers = [_digits(number)[-9:] for number in message.to]
        self._left = MAX_VALUES

    def value(self, value: Any, name: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH or _SECRET.search(name):
            return MASK
        if isinstance(value, dict):
            return dict(self._members(value, depth + 1))
        if isinstance(value, list):
            return [self.value(one, name, depth + 1) for one in value[: self._left + 1]]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float) and not math.isfinite(value):
            return MASK
        return value if self._may_be_kept(str(value), name) else MASK

    def _members(self, value: dict[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
        for name, inner in value.items():
            if self._left <= 0:
                return
            if _NAME.fullmatch(name):
                yield name, self.value(inner, name, depth)

    def _may_be_kept(self, text: str, name: str) -> bool:
        if len(text) > MAX_CHARS or not text.isprintable():
            return False
        digits = _digits(text)
        if any(number and number in digits for number in self._numbers):
            return False
        if _IS_ID.search(name):
            return _ID.fullmatch(text) is not None
        return len(digits) < _MANY_DIGITS and not self._is_echo(text.casefold().strip())

    def _is_echo(self, text: str) -> bool:
        """Whether the message says it, too: all of it, or so many characters of it in a row."""
        if len(text) <= ECHO_CHARS:
            return len(text) > 2 and text in self._words
        places = range(len(text) - ECHO_CHARS + 1)
        return any(text[at : at + ECHO_CHARS] in self._words for at in places)


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))
