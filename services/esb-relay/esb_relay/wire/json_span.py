"""Where the members of a JSON object begin and end in its text, without re-serialising anything.

The standard library's scanner walks the text, so nested members and strings that look like members
cannot mislead it. Numbers are never converted: they stay the digits that were written.
"""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from esb_relay.errors import MalformedText

MAX_DEPTH = 128
"""How deeply objects and arrays may nest: far above real payloads, far below any stack."""

_SPACE = re.compile(r"[ \t\n\r]*+")
# In valid JSON: splits a text into what is between strings (even places) and strings (odd places).
_STRING = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")')
_BRACKET = re.compile(r"[\[{]|[\]}]")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: `text` is its value as written, `value` the same decoded.

    Numbers decode to the `str` of their digits.
    """

    text: str
    value: object


def members(text: str) -> dict[str, Member]:
    """The members of the JSON object that `text` is, in their order, each with its own text.

    Raises MalformedText: not an object, not JSON, trailing text, a repeated member, too deep.
    """
    found: dict[str, Member] = {}
    at = _punctuation(text, 0, "{")
    if _peek(text, at) == "}":
        _end(text, _punctuation(text, at, "}"))
        return found
    while True:
        name, at = _name(text, at)
        if name in found:
            raise MalformedText(f"member {ascii(name)[:40]} appears twice")
        start = _skip(text, _punctuation(text, at, ":"))
        value, at = _value(text, start)
        found[name] = Member(text[start:at], value)
        if _peek(text, at) == "}":
            break
        at = _punctuation(text, at, ",")
    _end(text, _punctuation(text, at, "}"))
    _bound_depth(text)
    return found


def check(text: str) -> str:
    """`text`, one JSON value of any kind, without the white space around it.

    Raises MalformedText: not JSON, trailing text, too deep.
    """
    start = _skip(text, 0)
    _, at = _value(text, start)
    _end(text, at)
    _bound_depth(text)
    return text[start:at]


def pieces(valid_text: str) -> list[str]:
    """Valid JSON cut into strings, quotes included (odd places), and what stands between them."""
    return _STRING.split(valid_text)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedText(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as exc:
        raise MalformedText(f"not JSON at character {exc.pos}: {exc.msg}") from exc
    except RecursionError as exc:
        raise MalformedText(f"nested deeper than {MAX_DEPTH}") from exc


def _name(text: str, at: int) -> tuple[str, int]:
    at = _skip(text, at)
    if text[at : at + 1] != '"':
        raise MalformedText(f"not JSON at character {at}: expected a member's name")
    name, at = _value(text, at)
    return str(name), at


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _peek(text: str, at: int) -> str:
    at = _skip(text, at)
    return text[at : at + 1]


def _punctuation(text: str, at: int, expected: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != expected:
        raise MalformedText(f"not JSON at character {at}: expected '{expected}'")
    return at + 1


def _end(text: str, at: int) -> None:
    at = _skip(text, at)
    if at != len(text):
        raise MalformedText(f"not JSON at character {at}: text after the end")


def _bound_depth(valid_text: str) -> None:
    if valid_text.count("{") + valid_text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall("".join(pieces(valid_text)[::2])):
        depth += 1 if bracket in "{[" else -1
        if depth > MAX_DEPTH:
            raise MalformedText(f"nested deeper than {MAX_DEPTH}")
