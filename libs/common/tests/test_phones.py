"""Numbers as people write them into a field."""

import phonenumbers
import pytest
from common.phones import Phones, Unreadable, plain_phone, read_phone, read_phones


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0712345678", "+255712345678"),
        ("0712 345 678", "+255712345678"),
        ("(0712) 345-678", "+255712345678"),
        ("0712.345.678", "+255712345678"),
        ("255712345678", "+255712345678"),
        ("+255712345678", "+255712345678"),
        ("00255 712 345 678", "+255712345678"),
        ("000255712345678", "+255712345678"),
        ("0640000000", "+255640000000"),
        ("+39 06 698 12345", "+390669812345"),
        ("712345678", "+255712345678"),
        ("+254 700 000 001", "+254700000001"),
        ("٠٧١٢٣٤٥٦٧٨", "+255712345678"),
        ("\u202a+255 712 345 678\u202c", "+255712345678"),
        ("\ufeff0712345678\u00a0", "+255712345678"),
        ("", Unreadable.NO_DIGITS),
        ("hakuna", Unreadable.NO_DIGITS),
        ("-", Unreadable.NO_DIGITS),
        ("0", Unreadable.IMPOSSIBLE),
        ("071234567", Unreadable.TOO_SHORT),
        ("2123456", Unreadable.TOO_SHORT),
        ("07123456789012", Unreadable.TOO_LONG),
        ("+999712345678", Unreadable.COUNTRY),
        ("0712345678 ext 5", Unreadable.LETTERS),
        ("0712-FLOWER", Unreadable.LETTERS),
        ("O712345678", Unreadable.LETTERS),
        ("2.55712E+11", Unreadable.SPREADSHEET),
        ("0712345678.0", Unreadable.SPREADSHEET),
        ("1" * 10_000, Unreadable.TOO_LONG),
    ],
)
def test_a_text_is_a_number_in_e164_or_has_a_reason(text: str, number: str) -> None:
    assert read_phone(text, "TZ") == number


def test_the_region_says_where_a_local_number_is_from() -> None:
    assert read_phone("0700 000 001", "KE") == "+254700000001"


@pytest.mark.parametrize(
    "digits", ["0712345678", "0712 345 678", "+255712345678", "+255 712345678"]
)
def test_plain_number_is_known_without_reading_the_field(digits: str) -> None:
    assert plain_phone(digits, "TZ") == "+255712345678"


@pytest.mark.parametrize("text", ["712345678", "0712345678/0754345678", "071234567", "00712345678"])
def test_field_that_holds_something_else_has_to_be_read(text: str) -> None:
    assert plain_phone(text, "TZ") is None


def test_plain_number_is_what_reading_finds_in_every_region() -> None:
    read = set()
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number(region)
        assert example is not None, region
        national, code = str(example.national_number), example.country_code
        for number in (national, national[:-1], national + "1", national[::-1], "0" + national):
            for text in (f"0{number}", f"+{code}{number}", f"0{number[:3]} {number[3:]}", number):
                plain = plain_phone(text, region)
                if plain is not None:
                    read.add(region)
                    assert read_phones(text, region).numbers == (plain,), (region, text)
    assert len(read) > 80


BOTH = ("+255712345678", "+255754345678")


@pytest.mark.parametrize(
    "text",
    [
        "0712345678/0754345678",
        "0712345678; 0754345678",
        "0712345678,0754345678",
        "0712345678 or 0754345678",
        "0712345678 OR 0754345678",
        "0712345678 au 0754345678",
        "0712345678 | 0754 345 678 /",
        "0712345678\n0754345678",
        "0712345678/255712345678/+255754345678",
    ],
)
def test_a_field_holds_several_numbers_each_once(text: str) -> None:
    assert read_phones(text, "TZ") == Phones(BOTH)


def test_fields_are_read_together() -> None:
    found = read_phones(["0712345678", "+255712345678", " ", "0754345678"], "TZ")
    assert found.numbers == BOTH


@pytest.mark.parametrize("blank", [None, "", "  ", "\u00a0", "\ufeff", []])
def test_a_blank_field_holds_nothing_and_refuses_nothing(blank: str | None) -> None:
    found = read_phones(blank, "TZ")
    assert (found.numbers, found.refused, found.reason) == ((), (), None)
    assert not found


def test_what_is_no_number_is_told_apart_with_its_reason() -> None:
    found = read_phones("0712345678 / 79 / O754345678", "TZ")
    assert found.numbers == ("+255712345678",)
    assert [(one.text, one.reason) for one in found.refused] == [
        ("79", Unreadable.TOO_SHORT),
        ("O754345678", Unreadable.LETTERS),
    ]


@pytest.mark.parametrize("text", ["N/A", "n/a", "-", "hakuna", "/;,"])
def test_a_field_without_any_digit_is_refused_as_one(text: str) -> None:
    found = read_phones(text, "TZ")
    assert [one.reason for one in found.refused] == [Unreadable.NO_DIGITS]


def test_a_number_does_not_show_in_a_repr() -> None:
    assert "712345678" not in repr(read_phones("0712345678, 0712345678x", "TZ"))
