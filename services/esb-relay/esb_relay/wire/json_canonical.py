"""The spellings of one JSON value that GovESB's connectors sign.

All work on text, token by token: order and repeated names stay as they are, and no number passes
through a conversion that could change it. So a signature over any of them vouches for the value.
"""

import json
import re
from collections.abc import Iterator
from functools import cached_property

from esb_relay.wire.json_number import jackson_number
from esb_relay.wire.json_span import check, pieces

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPED = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_SURROGATES = re.compile(r"[\ud800-\udfff]+")
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
# NUL cannot stand between strings, nor unescaped within one: it marks where one ends.
_MARK = "\0"


def minified(text: str) -> str:
    """The text without white space between tokens; strings and numbers as written.

    Raises MalformedText.
    """
    return Spellings(text).minified()


def canonical(text: str) -> str:
    """The text as Jackson writes the same value: compact, `/` and non-ASCII raw, `\\u001F`.

    A lone surrogate cannot be written in UTF-8 and stays an escape. Raises MalformedText.
    """
    return Spellings(text).canonical()


def ascii_spellings(text: str) -> Iterator[str]:
    """The pure-ASCII spellings in use: first Python's and PHP's, then Jackson's.

    Python and PHP write lower-case escapes and have their own numbers, so those stay as written.
    Raises MalformedText.
    """
    return Spellings(text).ascii()


def quoted(value: str) -> str:
    """A string as Jackson writes it, quotes included."""
    return f'"{_ESCAPED.sub(_jackson_escape, value)}"'


class Spellings:
    """One JSON text, and what else its value is written like. Raises MalformedText.

    All strings are one text, and all that is between them is another: a text of a megabyte is
    spelled in a few steps, however many strings it has.
    """

    def __init__(self, text: str) -> None:
        self._pieces = pieces(check(text))
        self._as_written = "".join(_MARK.join(self._pieces[::2]).split())

    def minified(self) -> str:
        """Strings and numbers as written."""
        return self._joined(self._as_written, self._pieces[1::2])

    def canonical(self) -> str:
        """Jackson's."""
        return self._joined(self._jackson_numbers, self._jackson.split(_MARK))

    def ascii(self) -> Iterator[str]:
        """Python's with numbers as written, then Jackson's, both pure ASCII."""
        escaped = json.dumps(self._strings, separators=(_MARK, ":"))[1:-1]
        yield self._joined(self._as_written, escaped.split(_MARK))
        yield self._joined(self._jackson_numbers, self._jackson_ascii.split(_MARK))

    def unescaped(self) -> Iterator[str]:
        """Nothing escaped that need not be (JavaScript's, Go's), then with `\\/` (PHP's, Apple's).

        Numbers as written.
        """
        plain = self._joined(self._as_written, self._plain.split(_MARK))
        yield plain
        yield _with_escaped_slashes(plain)

    def further_ascii(self) -> Iterator[str]:
        """Pure ASCII, numbers as written: upper-case escapes, and either case with `\\/`."""
        upper = self._joined(self._as_written, self._jackson_ascii.split(_MARK))
        lower = _NON_ASCII.sub(_lower_escapes, self._plain).split(_MARK)
        yield upper
        yield _with_escaped_slashes(self._joined(self._as_written, lower))
        yield _with_escaped_slashes(upper)

    @cached_property
    def _strings(self) -> list[str]:
        decoded: list[str] = json.loads(f"[{','.join(self._pieces[1::2])}]")
        return decoded

    @cached_property
    def _plain(self) -> str:
        """The strings, quoted, with lower-case escapes for what must be escaped."""
        spelled = json.dumps(self._strings, ensure_ascii=False, separators=(_MARK, ":"))
        return _SURROGATES.sub(_lower_escapes, spelled[1:-1])

    @cached_property
    def _jackson(self) -> str:
        """The same with upper-case escapes."""
        return _ESCAPE.sub(_upper, self._plain) if "\\u" in self._plain else self._plain

    @cached_property
    def _jackson_ascii(self) -> str:
        return _NON_ASCII.sub(_utf16_escapes, self._jackson)

    @cached_property
    def _jackson_numbers(self) -> str:
        return _NUMBER.sub(lambda number: jackson_number(number[0]), self._as_written)

    def _joined(self, between: str, strings: list[str]) -> str:
        parts = list(self._pieces)
        parts[::2] = between.split(_MARK)
        if len(parts) > 1:
            parts[1::2] = strings
        return "".join(parts)


def _jackson_escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04X}"


def _upper(escape: re.Match[str]) -> str:
    return f"\\u{escape[0][2:].upper()}" if len(escape[0]) > 2 else escape[0]


def _with_escaped_slashes(spelled: str) -> str:
    """All slashes are in strings, and none is escaped yet."""
    return spelled.replace("/", "\\/")


def _lower_escapes(match: re.Match[str]) -> str:
    return _utf16_escapes(match).lower()


def _utf16_escapes(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join([f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)])
