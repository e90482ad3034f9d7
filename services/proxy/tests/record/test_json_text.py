"""JSON as text: members are cut out of an object without changing a digit of them."""

import pytest
from proxy.record.json_text import member_texts


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{}", {}),
        (" \t\r\n{ \n } ", {}),
        ('{"a":1}', {"a": "1"}),
        ('{ "a" : 1 , "b" : [ 1, 2 ] }', {"a": "1", "b": "[ 1, 2 ]"}),
        ('{"a": 1.50, "b": 1e3, "c": -0}', {"a": "1.50", "b": "1e3", "c": "-0"}),
        ('{"a": 12345678901234567890.10}', {"a": "12345678901234567890.10"}),
        ('{"a": {"b": [1, {"c": "}"}]}}', {"a": '{"b": [1, {"c": "}"}]}'}),
        ('{"a": "é\\u00e9\\n"}', {"a": '"é\\u00e9\\n"'}),
        ('{"a\\u0062": 1}', {"ab": "1"}),
        ('{"a": 1, "a": 2}', {"a": "2"}),
        ('{"a": null, "b": true}', {"a": "null", "b": "true"}),
        ('{"": 1}', {"": "1"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": '"\\ud83d\\ude00"'}),
        ('{"a": {"b": 1, "b": 2}}', {"a": '{"b": 1, "b": 2}'}),
    ],
)
def test_member_is_its_own_text(text: str, members: dict[str, str]) -> None:
    assert member_texts(text) == members


@pytest.mark.parametrize("digits", [20, 5_000, 100_000])
def test_number_of_any_length_keeps_its_digits(digits: int) -> None:
    number = "123456789" * (digits // 9)
    assert member_texts(f'{{"a": {number}, "b": 0.{number}}}') == {
        "a": number,
        "b": f"0.{number}",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[]",
        "1",
        '"a"',
        "{",
        "}",
        "{,}",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{"a":1 "b":2}',
        '{"a" 1}',
        '{"a":1}x',
        '{"a":1}{}',
        "{a:1}",
        "{1:1}",
        "{'a':1}",
        '{"a":1',
        '{"a":"',
        '{"a": 01}',
        '{"a": +1}',
        '{"a": .5}',
        '{"a": NaN}',
        '{"a": [Infinity]}',
        '{"a": -Infinity}',
        '{"a": "\t"}',
        '{"a": "\\ud800"}',
        '{"a": "\\udc00\\ud800"}',
        '{"a": [{"b": "\\ud800x"}]}',
        '{"a": {"\\udc00": 1}}',
        '{"\\ud800": 1}',
        '{"a": "\ud800"}',
        '{"a": 1.}',
        '{"a": 1e}',
        '{"a": -}',
        '{"a": nul}',
        '{"a": [1,]}',
        '{"a": "\\x"}',
        '\ufeff{"a": 1}',
        '\xa0{"a": 1}',
    ],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        member_texts(text)


def test_nesting_beyond_reason_is_refused() -> None:
    with pytest.raises((RecursionError, ValueError)):
        member_texts('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
