"""What of a provider's answer is kept with the attempt: its shape, its words, its ids. Pure.

No number of the message, no part of its text, nothing that looks like a number or a secret.
"""

import enum
import json
import math
import re
from functools import lru_cache
from typing import Any

import msgspec

from notification.transports.base import Message

MASK = "***"
#: What is kept of an answer at most: levels, values, characters of a text.
MAX_DEPTH, MAX_VALUES, MAX_CHARS = 5, 40, 120
#: So many characters of a message in a row are a part of its text.
ECHO_CHARS = 12
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SECRET = re.compile(r"token|secret|password|passwd|api_?key|auth|signature|hash|cookie", re.I)
_IS_ID = re.compile(r"(id|reference|cursor)$", re.I)
_ID, MAX_ID_CHARS = re.compile(r"[A-Za-z0-9_.:-]+"), 64
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
#: Digits that may be a telephone number, whatever stands between them.
_MANY_DIGITS = 7


def masked(body: bytes, message: Message) -> Any:
    """The answer `body` as it may be kept: JSON, or its text; None for an empty one."""
    return _Masking(message).value(_read(body), _Kind.PLAIN, 0)


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass  # a reader that is easier on others decides
    try:
        return json.loads(body, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace").strip() or None


class _Kind(enum.Enum):
    """What a member's name says of its value."""

    PLAIN = enum.auto()
    ID = enum.auto()
    SECRET = enum.auto()
    #: A name that is none: it may be a value.
    LEFT_OUT = enum.auto()


# Plain names: a member of an enumeration costs as much as the comparison.
_ID_KIND, _SECRET_KIND, _LEFT_OUT = _Kind.ID, _Kind.SECRET, _Kind.LEFT_OUT


@lru_cache(maxsize=1024)
def _kind_of(name: str) -> _Kind:
    if not _NAME.fullmatch(name):
        return _Kind.LEFT_OUT
    if _SECRET.search(name):
        return _Kind.SECRET
    return _Kind.ID if _IS_ID.search(name) else _Kind.PLAIN


class _Masking:
    """One answer's."""

    __slots__ = ("_left", "_message", "_numbers", "_words")

    def __init__(self, message: Message) -> None:
        self._message = message
        self._numbers = [digits for one in message.to if (digits := _digits(one)[-9:])]
        self._left = MAX_VALUES
        #: The message's own, once they are asked for.
        self._words: str | None = None

    def value(self, value: Any, kind: _Kind, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH or kind is _SECRET_KIND:
            return MASK
        if type(value) is str:  # most are
            return value if self._may_be_kept(value, kind) else MASK
        if isinstance(value, dict):
            return self._object(value, depth + 1)
        if isinstance(value, list):
            return [self.value(one, kind, depth + 1) for one in value[: self._left + 1]]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float) and not math.isfinite(value):
            return MASK
        return value if self._may_be_kept(str(value), kind) else MASK

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        kept = {}
        for name, inner in value.items():
            if self._left <= 0:
                break
            kind = _kind_of(name)
            if kind is not _LEFT_OUT:
                kept[name] = self.value(inner, kind, depth)
        return kept

    def _may_be_kept(self, text: str, kind: _Kind) -> bool:
        if len(text) > MAX_CHARS or not text.isprintable():
            return False
        digits = _digits(text)
        for number in self._numbers:
            if number in digits:
                return False
        if kind is _ID_KIND:
            return len(text) <= MAX_ID_CHARS and _ID.fullmatch(text) is not None
        return len(digits) < _MANY_DIGITS and not self._is_echo(text.casefold().strip())

    def _is_echo(self, text: str) -> bool:
        """Whether the message says it, too: all of it, or so many characters of it in a row."""
        if self._words is None:
            self._words = f"{self._message.subject}\n{self._message.body}".casefold()
        words = self._words
        if len(text) <= ECHO_CHARS:
            return len(text) > 2 and text in words
        places = range(len(text) - ECHO_CHARS + 1)
        return any(text[at : at + ECHO_CHARS] in words for at in places)


def _digits(text: str) -> bytes:
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS)
