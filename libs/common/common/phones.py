"""Telephone numbers as people write them into a field, to E.164. Pure.

One field may hold several numbers. What is no number is told apart with its reason, so that nobody
sends to it as it stands.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

#: How most of the world dials out of the country. `000` does so in Tanzania itself.
_DIALLED_OUT = re.compile(r"^00(?!0)")
#: What people put between two numbers; "au" and "ama" are the Swahili "or".
_BETWEEN = re.compile(r"[/;,|\r\n\u2028\u2029]|\b(?:or|au|ama)\b", re.IGNORECASE)
#: What a spreadsheet makes of a number: `2.55712E+11`, `712345678.0`.
_FLOATING = re.compile(r"\+?\d+(?:\.\d+)?E[+-]?\d+|\+?\d+\.0+", re.IGNORECASE)


class Unreadable(StrEnum):
    """Why a text is no telephone number."""

    NO_DIGITS = "not a telephone number"
    SPREADSHEET = "a spreadsheet's decimal number, not a telephone number"
    LETTERS = "letters among the digits"
    TOO_SHORT = "too few digits"
    TOO_LONG = "too many digits"
    COUNTRY = "an unknown country code"
    IMPOSSIBLE = "no such number is possible"


_REASONS = {
    ValidationResult.TOO_SHORT: Unreadable.TOO_SHORT,
    # Numbers that are dialled without an area code: nobody can call them from elsewhere.
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Unreadable.TOO_SHORT,
    ValidationResult.TOO_LONG: Unreadable.TOO_LONG,
    ValidationResult.INVALID_COUNTRY_CODE: Unreadable.COUNTRY,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a field that is no number."""

    text: str = field(repr=False)
    reason: Unreadable


@dataclass(frozen=True, slots=True)
class Phones:
    """What a field holds: `numbers` in E.164, each once, in their order. Falsy without any."""

    numbers: tuple[str, ...] = field(default=(), repr=False)
    refused: tuple[Refused, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.numbers)

    @property
    def reason(self) -> Unreadable | None:
        """Why there is no number, as far as one reason can say it; None: nothing was refused."""
        return self.refused[0].reason if self.refused else None


def read_phones(fields: str | Iterable[str] | None, region: str) -> Phones:
    """The numbers of a field, or of several fields together.

    Numbers are parted by `/`, `;`, `,`, `|`, line ends, "or" (Swahili "au", "ama"). `region` (two
    letters) is where a number without a country code is from. A blank field holds nothing.
    """
    texts = [fields] if isinstance(fields, str) else fields or ()
    numbers: dict[str, None] = {}
    refused: dict[Refused, None] = {}
    for part in (part for text in texts for part in _parts(text)):
        found = read_phone(part, region)
        if isinstance(found, Unreadable):
            refused[Refused(part, found)] = None
        else:
            numbers[found] = None
    return Phones(tuple(numbers), tuple(refused))


def read_phone(text: str, region: str) -> str | Unreadable:
    """One number as `+255712345678`, or why it is none.

    Ranges that operators opened lately are not known here, so that only what is impossible is
    refused.
    """
    text = _visible(text)
    if not any(character.isdigit() for character in text):
        return Unreadable.NO_DIGITS
    if _FLOATING.fullmatch(text):
        return Unreadable.SPREADSHEET
    if any(character.isalpha() for character in text):
        return Unreadable.LETTERS  # a slip of the finger, a word on the keys, an extension
    try:
        number = phonenumbers.parse(_DIALLED_OUT.sub("+", text, count=1), region)
    except phonenumbers.NumberParseException as exc:
        return _why_not_parsed(exc)
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != ValidationResult.IS_POSSIBLE:
        return _REASONS.get(verdict, Unreadable.IMPOSSIBLE)
    # A zero that is left in front is part of Italian numbers; elsewhere a digit is missing.
    if number.italian_leading_zero and not phonenumbers.is_valid_number(number):
        return Unreadable.TOO_SHORT
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def plain_phone(text: str, region: str) -> str | None:
    """The number of a field that holds one of the region's own as it is dialled there or from
    abroad, digits and blanks alone: what `read_phones` would find, in a tenth of the time.

    None: the field has to be read.
    """
    dialled = _dialled(region)
    if dialled is None:
        return None
    code, pattern = dialled
    found = pattern.fullmatch(text.replace(" ", ""))
    return code + found[1] if found else None


@lru_cache
def _dialled(region: str) -> tuple[str, re.Pattern[str]] | None:
    """The country's code, and what its numbers look like; None: they follow rules of their own."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        return None
    if not metadata.national_prefix == metadata.national_prefix_for_parsing == "0":
        return None
    code, national = metadata.country_code, metadata.general_desc.national_number_pattern
    return f"+{code}", re.compile(rf"(?:0|\+{code})((?!0)(?:{national}))", re.ASCII)


def _parts(text: str) -> Iterator[str]:
    """The field's parts that are not blank; one that has no digit at all is one part."""
    if not any(character.isdigit() for character in text):
        whole = _visible(text)
        return iter([whole] if whole else [])
    return filter(None, map(_visible, _BETWEEN.split(text)))


def _visible(text: str) -> str:
    """Without marks of direction, byte order marks and the like, and without outer blanks."""
    if text.isascii():
        return text.strip()
    return "".join(one for one in text if unicodedata.category(one) != "Cf").strip()


def _why_not_parsed(exc: phonenumbers.NumberParseException) -> Unreadable:
    kind = phonenumbers.NumberParseException
    return {
        kind.INVALID_COUNTRY_CODE: Unreadable.COUNTRY,
        kind.TOO_SHORT_AFTER_IDD: Unreadable.TOO_SHORT,
        kind.TOO_SHORT_NSN: Unreadable.TOO_SHORT,
        kind.TOO_LONG: Unreadable.TOO_LONG,
    }.get(exc.error_type, Unreadable.IMPOSSIBLE)
