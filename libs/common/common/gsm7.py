"""How an SMS text travels: its alphabet and its segments (3GPP TS 23.038, 23.040). Pure."""

from dataclasses import dataclass

#: The default alphabet; each character takes one septet.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The extension table; each takes an escape as well.
EXTENDED = frozenset("\f^{}\\[~]|€")

#: Septets or UTF-16 units of a text that stands alone, and of each part of a longer one.
GSM7_ALONE, GSM7_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67


@dataclass(frozen=True, slots=True)
class Sms:
    """`encoding` is GSM-7 or UCS-2; `foreign` are the characters that GSM-7 lacks."""

    encoding: str
    segments: int
    foreign: str


def measure(text: str) -> Sms:
    """How `text` would be sent; an empty text takes one segment."""
    foreign = "".join(sorted({one for one in text if one not in BASIC and one not in EXTENDED}))
    if foreign:
        units = [2 if ord(one) > 0xFFFF else 1 for one in text]
        return Sms("UCS-2", _segments(units, UCS2_ALONE, UCS2_PART), foreign)
    septets = [2 if one in EXTENDED else 1 for one in text]
    return Sms("GSM-7", _segments(septets, GSM7_ALONE, GSM7_PART), "")


def _segments(units: list[int], alone: int, part: int) -> int:
    """A character that takes two units is not torn apart between segments."""
    if sum(units) <= alone:
        return 1
    segments, filled = 1, 0
    for size in units:
        if filled + size > part:
            segments, filled = segments + 1, 0
        filled += size
    return segments
