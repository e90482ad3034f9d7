"""Plain signs for typographic ones, where they keep an SMS in GSM-7."""

import pytest
from common.gsm7 import measure, transliterate


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\u201cHabari\u201d \u2018yako\u2019", "\"Habari\" 'yako'"),
        ("Saa\u00a02\u20133\t\u2026", "Saa 2-3 ..."),
        ("a\u200bb\ufeff", "ab"),
        ("\u00abLeseni\u00bb \u2022 1\u00d72", '"Leseni" * 1x2'),
        ("Ñandú", "Ñandú"),
        ("\u201cለጤና\u201d", "\u201cለጤና\u201d"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_transliteration(text: str, plain: str) -> None:
    assert transliterate(text) == plain


def test_what_it_saves() -> None:
    text = "\u2019" + "x" * 159
    assert (measure(text).encoding, measure(text).segments) == ("UCS-2", 3)
    plain = measure(transliterate(text))
    assert (plain.encoding, plain.segments) == ("GSM-7", 1)
