"""Telephone numbers, as people write them, to E.164."""

import re

import phonenumbers

#: How most of the world dials out of the country. `000` does so in Tanzania itself.
_DIALLED_OUT = re.compile(r"^\s*00(?!0)")


def normalise(text: str, region: str) -> str | None:
    """`text` as `+255712345678`; None where no number can be called that.

    `region` (two letters) is where a number without a country code is from. Ranges that operators
    opened lately are not known here, so that only what is impossible is refused.
    """
    if any(character.isalpha() for character in text):
        return None  # a word on the keys ("0712-FLOWER") or an extension: most likely a mistake
    try:
        number = phonenumbers.parse(_DIALLED_OUT.sub("+", text, count=1), region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    # A zero that is left in front is part of Italian numbers; elsewhere a digit is missing.
    if number.italian_leading_zero and not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
