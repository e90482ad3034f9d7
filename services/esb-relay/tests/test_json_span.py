"""Members are found where they are, and nowhere else."""

import pytest
from esb_relay.errors import MalformedText
from esb_relay.wire.json_span import MAX_DEPTH, check, members
from hypothesis import given
from hypothesis import strategies as st


def test_members_keep_their_text() -> None:
    found = members(' {"a" : 1.10 ,"b":{ "a":2 },\n"c":"\\u0041\\/"} ')
    assert {name: member.text for name, member in found.items()} == {
        "a": "1.10",
        "b": '{ "a":2 }',
        "c": '"\\u0041\\/"',
    }
    assert found["a"].value == "1.10"
    assert found["c"].value == "A/"


def test_empty_object_has_no_members() -> None:
    assert members(" { } ") == {}


def test_name_written_with_escapes_is_the_same_name() -> None:
    with pytest.raises(MalformedText, match="'data' appears twice"):
        members('{"data":1,"d\\u0061ta":2}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"a"',
        "{",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{"a":1 "b":2}',
        '{"a":1}{}',
        '{"a":1}x',
        "{a:1}",
        "{1:1}",
        '{"a":NaN}',
        '{"a":-}',
        '{"a":01}',
        '{"a":1.}',
        '{"a":"\n"}',
        '{"a":"\\x"}',
        '{"a":"\\u12"}',
    ],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedText):
        members(text)


def test_depth_is_bounded() -> None:
    at_bound = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert check(at_bound) == at_bound
    for depth in (MAX_DEPTH + 1, 5_000, 500_000):
        with pytest.raises(MalformedText):
            check("[" * depth + "]" * depth)
        with pytest.raises(MalformedText, match=r"deeper|not JSON"):
            check("[" * depth)


def test_many_shallow_brackets_are_not_deep() -> None:
    assert check("[" + "[],{}," * MAX_DEPTH + '"[[[["]').startswith("[")


def test_long_integers_are_not_converted() -> None:
    digits = "9" * 100_000
    assert members(f'{{"a":{digits}}}')["a"].value == digits


@given(st.text(alphabet='{}[]",:\\ \nua01.eE-\ud7ff', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        members(text)
    except MalformedText:
        return
    assert text.strip().startswith("{")
