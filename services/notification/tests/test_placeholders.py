"""Placeholders: plain look-up, whatever stands between the braces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notification.emit.render import Filled, fill, look_up, names, why_unusable

NAMES = st.from_regex(r"[a-z_]{1,5}(\.[a-z_]{1,5}){0,2}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
CONTEXTS = st.dictionaries(st.text(), VALUES, max_size=5)


@given(st.text(), CONTEXTS)
def test_any_text_and_context_give_a_text(text: str, context: dict[str, object]) -> None:
    filled = fill(text, context)

    assert set(filled.missing) <= set(names(text))
    if "{" not in text:
        assert filled == Filled(text, ())


@given(st.text(alphabet="{}ab.!:[]0_ "))
def test_nothing_is_known_of_an_empty_context(text: str) -> None:
    filled = fill(text, {})
    assert filled.missing == tuple(names(text))
    assert len(text) - len(filled.text) == len(re.findall(r"\{\{|\}\}", text)) or filled.missing


@given(NAMES, st.text())
def test_value_is_put_in_as_it_is_and_not_read_again(name: str, value: str) -> None:
    context: object = value
    for part in reversed(name.split(".")):
        context = {part: context}
    assert isinstance(context, dict)

    assert fill(f"<{{{name}}}>", context) == Filled(f"<{value}>", ())


@given(st.text(alphabet="{}ab.!:[]0_ é"))
def test_usable_text_is_filled_whole_once_all_its_names_are_known(text: str) -> None:
    if why_unusable(text) is None:
        context = _nested(names(text))
        if all(look_up(name, context) for name in names(text)):
            filled = fill(text, context).text
            assert filled.count("{") == text.count("{{")


def _nested(paths: list[str]) -> dict[str, object]:
    root: dict[str, object] = {}
    for path in paths:
        at = root
        *folders, last = path.split(".")
        for folder in folders:
            inner = at.setdefault(folder, {})
            at = inner if isinstance(inner, dict) else {}
        at[last] = "x"
    return root


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", ""),
        (0, "0"),
        (1.5, "1.5"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        (False, "false"),
        (None, None),
        (1e16, "10000000000000000"),
        (0.00001, "0.00001"),
        (["Asha", 2, True], "Asha, 2, true"),
        ([], None),
        ([1, None], None),
        ([{"a": 1}], None),
        ([[1]], None),
        ({"a": 1}, None),
    ],
)
def test_texts_numbers_truths_and_lists_of_them_can_be_printed_and_nothing_else(
    value: object, text: str | None
) -> None:
    assert look_up("a", {"a": value}) == text


@pytest.mark.parametrize("name", ["a.upper", "a.__class__", "a.0", "b.0", "b.append", "__class__"])
def test_path_goes_through_objects_only(name: str) -> None:
    assert look_up(name, {"a": "text", "b": ["list"]}) is None


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{Asha}"),
        ("a {{ b }} {name}", "a { b } Asha"),
        ("{{}}", "{}"),
    ],
)
def test_two_braces_are_one_of_the_text(text: str, filled: str) -> None:
    assert why_unusable(text) is None
    assert fill(text, {"name": "Asha"}) == Filled(filled)


def test_every_missing_name_is_told_once_and_left_as_written() -> None:
    assert fill("{b} {a} {b} {c}", {"a": 1}) == Filled("{b} 1 {b} {c}", ("b", "c"))


@pytest.mark.parametrize(
    "text",
    ["", "Dear {name}", "{order.total}", "{due-date} {_x}", "{jina} {0}", "{name.__class__}"],
)
def test_usable_texts(text: str) -> None:
    assert why_unusable(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "The brace at character 1 has no partner: write {{ for itself."),
        ("a}", "The brace at character 2 has no partner: write }} for itself."),
        ("{{{name}}", "The brace at character 9 has no partner: write }} for itself."),
        ("{}", "{} is no placeholder: write {name} or {order.total}."),
        ("{a b}", "{a b} is no placeholder: write {name} or {order.total}."),
        ("{a..b}", "{a..b} is no placeholder: write {name} or {order.total}."),
        ("{a[0]}", "{a[0]} is no placeholder: write {name} or {order.total}."),
        (
            "{a!r:>999999}",
            "{a!r:>999999} is no placeholder: write {name} or {order.total}.",
        ),
        (
            "{" + "a" * 129 + "}",
            "{" + "a" * 49 + " is no placeholder: write {name} or {order.total}.",
        ),
    ],
)
def test_unusable_texts(text: str, reason: str) -> None:
    assert why_unusable(text) == reason
