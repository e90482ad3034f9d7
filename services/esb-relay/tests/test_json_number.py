"""Numbers as Jackson 2.20 spells them; the table was recorded from it (readTree, then write)."""

import pytest
from esb_relay.wire.json_number import jackson_number, java_double
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-7", "-7"),
        ("12345678901234567890", "12345678901234567890"),
        ("1.0", "1.0"),
        ("1.10", "1.1"),
        ("-0.0", "-0.0"),
        ("-0e5", "-0.0"),
        ("0e5", "0.0"),
        ("1e21", "1.0E21"),
        ("1E2", "100.0"),
        ("1e+2", "100.0"),
        ("1e007", "1.0E7"),
        ("9999999.0", "9999999.0"),
        ("10000000.0", "1.0E7"),
        ("12345678.9", "1.23456789E7"),
        ("1e-3", "0.001"),
        ("2.0e-3", "0.002"),
        ("0.00012", "1.2E-4"),
        ("1e-5", "1.0E-5"),
        ("-6.8123E0", "-6.8123"),
        ("4.9e-324", "4.9E-324"),
        ("1.7976931348623157e308", "1.7976931348623157E308"),
    ],
)
def test_number_is_spelled_as_jackson_does(text: str, spelled: str) -> None:
    assert jackson_number(text) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "0.12345678901234567891",
        "9007199254740993.0",
        "12345678901234567890.5",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "1e" + "9" * 50,
        "0." + "0" * 400 + "1",
        "1." + "3" * 2000,
    ],
)
def test_number_that_a_double_would_change_keeps_its_spelling(text: str) -> None:
    assert jackson_number(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_java_spelling_stands_for_the_same_double(value: float) -> None:
    assert float(java_double(value)) == value


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)
def test_respelling_a_respelled_number_changes_nothing(text: str) -> None:
    spelled = jackson_number(text)
    assert jackson_number(spelled) == spelled
