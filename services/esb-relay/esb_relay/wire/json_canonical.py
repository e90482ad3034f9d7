"""The spellings of one JSON value that GovESB's connectors sign.

All work on text, token by token: order and repeated names stay as they are, and no number passes
through a conversion that could change it. So a signature over any of them vouches for the value.
"""

import json
import re
from collections.abc import Callable, Iterator

from esb_relay.wire.json_number import jackson_number
from esb_relay.wire.json_span import check, pieces

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPED = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def minified(text: str) -> str:
    """The text without white space between tokens; strings and numbers as written.

    Raises MalformedText.
    """
    return _respelled(check(text), _as_written, _as_written)


def canonical(text: str) -> str:
    """The text as Jackson writes the same value: compact, `/` and non-ASCII raw, `\\u001F`.

    A lone surrogate cannot be written in UTF-8 and stays an escape. Raises MalformedText.
    """
    return _respelled(check(text), _jackson_string, _jackson_numbers)


def ascii_spellings(text: str) -> Iterator[str]:
    """The pure-ASCII spellings in use: first Python's and PHP's, then Jackson's.

    Python and PHP write lower-case escapes and have their own numbers, so those stay as written.
    Raises MalformedText.
    """
    valid = check(text)
    yield _respelled(valid, _python_ascii_string, _as_written)
    yield _respelled(valid, _jackson_ascii_string, _jackson_numbers)


def quoted(value: str) -> str:
    """A string as Jackson writes it, quotes included."""
    return f'"{_ESCAPED.sub(_jackson_escape, value)}"'


def _respelled(valid: str, string: Callable[[str], str], numbers: Callable[[str], str]) -> str:
    parts = pieces(valid)
    # NUL cannot stand between strings, so it marks their places while all the rest is one text.
    between = "".join("\0".join(parts[::2]).split())
    parts[::2] = numbers(between).split("\0")
    parts[1::2] = [string(part) for part in parts[1::2]]
    return "".join(parts)


def _as_written(part: str) -> str:
    return part


def _jackson_numbers(between: str) -> str:
    return _NUMBER.sub(lambda number: jackson_number(number[0]), between)


def _jackson_string(literal: str) -> str:
    return quoted(json.loads(literal)) if "\\" in literal else literal


def _jackson_escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04X}"


def _python_ascii_string(literal: str) -> str:
    return json.dumps(json.loads(literal))


def _jackson_ascii_string(literal: str) -> str:
    return _NON_ASCII.sub(_utf16_escapes, _jackson_string(literal))


def _utf16_escapes(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
