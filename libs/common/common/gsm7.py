"""How an SMS text travels: its alphabet and its segments (3GPP TS 23.038, 23.040). Pure."""

from dataclasses import dataclass

_ESCAPE = "\x1b"
#: The default alphabet in the order of its codes; each character takes one septet.
_ALPHABET = (
    f"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ{_ESCAPE}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The extension table by its codes; each takes an escape as well.
_EXTENSION = dict(zip("\f^{}\\[~]|€", b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", strict=True))
_CODES = {
    **{sign: bytes([code]) for code, sign in enumerate(_ALPHABET)},
    **{sign: bytes([_ALPHABET.index(_ESCAPE), code]) for sign, code in _EXTENSION.items()},
}
BASIC = frozenset(_ALPHABET) - {_ESCAPE}
EXTENDED = frozenset(_EXTENSION)

#: Septets or UTF-16 units of a text that stands alone, and of each part of a longer one.
GSM7_ALONE, GSM7_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67


#: Signs of typography that say no more than a sign of GSM-7 does. Letters are left alone: without
#: its accent a word is another one.
_SIGNS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a`\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\t\u00a0\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u2000\u2001\u2002\u2003\u2004\u2005\u2006", " "),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029", "\n"),
    "\u2026": "...",
    "\u2022": "*",
    "\u00d7": "x",
    "\u2044": "/",
}
_TRANSLITERATION = str.maketrans(_SIGNS)


@dataclass(frozen=True, slots=True)
class Sms:
    """`encoding` is GSM-7 or UCS-2; `foreign` are the characters that GSM-7 lacks."""

    encoding: str
    segments: int
    foreign: str


def transliterate(text: str) -> str:
    """`text` with plain signs for typographic ones, if it then fits into GSM-7; else as it is.

    Curly quotes, dashes, no-break spaces, tabs, dots and invisible characters.
    """
    plain = text.translate(_TRANSLITERATION)
    return text if measure(plain).foreign else plain


def measure(text: str) -> Sms:
    """How `text` would be sent; an empty text takes one segment."""
    foreign = "".join(sorted({one for one in text if one not in BASIC and one not in EXTENDED}))
    return Sms("UCS-2" if foreign else "GSM-7", len(_breaks(text, is_ucs2=bool(foreign))), foreign)


def split(text: str) -> tuple[str, list[bytes]]:
    """The encoding of `text`, and the octets of each segment: GSM-7 unpacked, or UTF-16."""
    sms = measure(text)
    is_ucs2 = sms.encoding == "UCS-2"
    begins = _breaks(text, is_ucs2=is_ucs2)
    parts = [text[begin:end] for begin, end in zip(begins, [*begins[1:], len(text)], strict=True)]
    if is_ucs2:
        return sms.encoding, [part.encode("utf-16-be", "surrogatepass") for part in parts]
    return sms.encoding, [b"".join(map(_CODES.__getitem__, part)) for part in parts]


def _breaks(text: str, *, is_ucs2: bool) -> list[int]:
    """Where the segments begin. What takes two units is not torn apart between them."""
    if is_ucs2:
        units = [2 if ord(one) > 0xFFFF else 1 for one in text]
        alone, part = UCS2_ALONE, UCS2_PART
    else:
        units = [2 if one in EXTENDED else 1 for one in text]
        alone, part = GSM7_ALONE, GSM7_PART
    if sum(units) <= alone:
        return [0]
    begins, filled = [0], 0
    for place, size in enumerate(units):
        if filled + size > part:
            begins.append(place)
            filled = 0
        filled += size
    return begins
