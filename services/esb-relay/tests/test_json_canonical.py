"""Spellings of JSON texts: what changes, and that the value does not."""

import json
from decimal import Decimal

import pytest
from esb_relay.errors import MalformedText
from esb_relay.wire.json_canonical import ascii_spellings, canonical, minified
from hypothesis import given
from hypothesis import strategies as st

_NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
_STRINGS = st.builds(
    lambda text, ascii_only: json.dumps(text, ensure_ascii=ascii_only), st.text(), st.booleans()
)
_SPACES = st.sampled_from(["", " ", "\n\t", "\r\n"])


def _array(space: str, items: list[str]) -> str:
    return f"[{space}{f'{space},'.join(items)}{space}]"


def _object(space: str, items: dict[str, str]) -> str:
    pairs = (f"{name}{space}:{space}{value}" for name, value in items.items())
    return f"{{{space}{f'{space},{space}'.join(pairs)}{space}}}"


JSON_TEXTS = st.recursive(
    _NUMBERS | _STRINGS | st.sampled_from(["true", "false", "null"]),
    lambda inner: (
        st.builds(_array, _SPACES, st.lists(inner, max_size=4))
        | st.builds(_object, _SPACES, st.dictionaries(_STRINGS, inner, max_size=4))
    ),
    max_leaves=12,
)


def _value(text: str) -> object:
    return json.loads(text, parse_float=Decimal, object_pairs_hook=tuple)


@given(JSON_TEXTS)
def test_no_spelling_changes_the_value(text: str) -> None:
    for spelled in (minified(text), canonical(text), *ascii_spellings(text)):
        assert _value(spelled) == _value(text)


@given(JSON_TEXTS)
def test_canonical_spelling_is_stable(text: str) -> None:
    assert minified(canonical(text)) == canonical(canonical(text)) == canonical(text)


@given(JSON_TEXTS)
def test_ascii_spellings_are_ascii(text: str) -> None:
    assert all(spelled.isascii() for spelled in ascii_spellings(text))


def test_minified_keeps_everything_but_white_space() -> None:
    text = ' { "a\\/b" :\t[ 1.10 ,\r\n1e21 ] , "é" : " \\u00e9 { } " } '
    assert minified(text) == '{"a\\/b":[1.10,1e21],"é":" \\u00e9 { } "}'


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ('"\\/"', '"/"'),
        ('"\\u00e9\\ud83d\\ude00"', '"é😀"'),
        ('"\\u001f\\u0000\\u0008\\u0009\\u000a\\u000c\\u000d"', '"\\u001F\\u0000\\b\\t\\n\\f\\r"'),
        ('"\\u0022\\u005c"', '"\\"\\\\"'),
        ('"\\u007f\\u2028"', '"\x7f\u2028"'),
        ('"\\ud800x"', '"\\uD800x"'),
        ('{"b":1,"a":2,"b":3}', '{"b":1,"a":2,"b":3}'),
        ("[ ]", "[]"),
    ],
)
def test_canonical_spelling(text: str, spelled: str) -> None:
    assert canonical(text) == spelled


def test_ascii_spellings_are_those_of_python_and_of_jackson() -> None:
    python, jackson = ascii_spellings('{"é": "😀\\u001f", "n": 1e21}')
    assert python == '{"\\u00e9":"\\ud83d\\ude00\\u001f","n":1e21}'
    assert jackson == '{"\\u00E9":"\\uD83D\\uDE00\\u001F","n":1.0E21}'


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "01", "NaN", "[-Infinity]", "1 2", "'a'", '"\x01"']
)
def test_what_is_not_json_has_no_spelling(text: str) -> None:
    with pytest.raises(MalformedText):
        canonical(text)
