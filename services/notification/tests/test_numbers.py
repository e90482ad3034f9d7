"""Numbers as people write them."""

import pytest
from notification.numbers import normalise


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0712345678", "+255712345678"),
        ("0712 345 678", "+255712345678"),
        ("(0712) 345-678", "+255712345678"),
        ("255712345678", "+255712345678"),
        ("+255712345678", "+255712345678"),
        ("00255 712 345 678", "+255712345678"),
        ("000255712345678", "+255712345678"),
        ("0640000000", "+255640000000"),
        ("+39 06 698 12345", "+390669812345"),
        ("712345678", "+255712345678"),
        ("+254 700 000 001", "+254700000001"),
        ("٠٧١٢٣٤٥٦٧٨", "+255712345678"),
        ("", None),
        ("hakuna", None),
        ("071234567", None),
        ("07123456789012", None),
        ("+999712345678", None),
        ("0712345678 ext 5", None),
        ("0712-FLOWER", None),
        ("0712345678\r\nTo: 0712345679", None),
        ("0712345678,0712345679", None),
        ("1" * 10_000, None),
    ],
)
def test_normalise(text: str, number: str | None) -> None:
    assert normalise(text, "TZ") == number


def test_the_region_says_where_a_local_number_is_from() -> None:
    assert normalise("0700 000 001", "KE") == "+254700000001"
