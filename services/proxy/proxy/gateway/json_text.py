"""JSON as text: members are cut out of an object without changing a digit of them. Pure."""

import json
import re

_SPACE = re.compile(r"[ \t\r\n]*")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


#: Numbers are never computed: their digits stay, however many there are.
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)


def member_texts(text: str) -> dict[str, str]:
    """The top-level members of a JSON object, each value as its own text; the last one counts.

    Raises ValueError for anything else, RecursionError for nesting beyond reason.
    """
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not an object")
    members: dict[str, str] = {}
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        if members:
            at = _expect(text, at, ",")
        if text[at : at + 1] != '"':
            raise ValueError("a member needs a name")
        name, at = _decoder.raw_decode(text, at)
        at = _expect(text, _skip(text, at), ":")
        _value, end = _decoder.raw_decode(text, at)
        members[name] = text[at:end]
        at = _skip(text, end)
    if _skip(text, at + 1) != len(text):
        raise ValueError("something follows the object")
    return members


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise ValueError(f"expected {character}")
    return _skip(text, at + 1)
